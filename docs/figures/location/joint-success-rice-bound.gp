# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot joint-success-rice-bound.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'joint-success-rice.csv'
set title 'joint success, CRLB of 10 samples at 500 kHz, Rice K = 3' noenhanced
set xlabel 'SNR [dB]' noenhanced
set ylabel 'share of users' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set terminal pngcairo size 980,610 font 'sans,11' background rgb 'white'
set output 'joint-success-rice-bound.png'
plot \
    csv using (1 && strcol(2) eq '1' && strcol(3) eq 'bound' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, within 1 m', \
    csv using (1 && strcol(2) eq '1' && strcol(3) eq 'bound' ? $1 : NaN):10 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'theory, within 1 m', \
    csv using (1 && strcol(2) eq '1' && strcol(3) eq 'bound' ? $1 : NaN):8 with lines lc rgb '#1f5fbf' lw 2 dt 5 title '(1-P_loc)(1-BER)^{40}, within 1 m', \
    csv using (1 && strcol(2) eq '2' && strcol(3) eq 'bound' ? $1 : NaN):5 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, within 2 m', \
    csv using (1 && strcol(2) eq '2' && strcol(3) eq 'bound' ? $1 : NaN):10 with lines lc rgb '#d9822b' lw 2 dt 2 title 'theory, within 2 m', \
    csv using (1 && strcol(2) eq '2' && strcol(3) eq 'bound' ? $1 : NaN):8 with lines lc rgb '#d9822b' lw 2 dt 5 title '(1-P_loc)(1-BER)^{40}, within 2 m', \
    csv using (1 && strcol(2) eq '3' && strcol(3) eq 'bound' ? $1 : NaN):5 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, within 3 m', \
    csv using (1 && strcol(2) eq '3' && strcol(3) eq 'bound' ? $1 : NaN):10 with lines lc rgb '#2a8f4f' lw 2 dt 2 title 'theory, within 3 m', \
    csv using (1 && strcol(2) eq '3' && strcol(3) eq 'bound' ? $1 : NaN):8 with lines lc rgb '#2a8f4f' lw 2 dt 5 title '(1-P_loc)(1-BER)^{40}, within 3 m', \
    csv using (1 && strcol(2) eq '5' && strcol(3) eq 'bound' ? $1 : NaN):5 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, within 5 m', \
    csv using (1 && strcol(2) eq '5' && strcol(3) eq 'bound' ? $1 : NaN):10 with lines lc rgb '#b03030' lw 2 dt 2 title 'theory, within 5 m', \
    csv using (1 && strcol(2) eq '5' && strcol(3) eq 'bound' ? $1 : NaN):8 with lines lc rgb '#b03030' lw 2 dt 5 title '(1-P_loc)(1-BER)^{40}, within 5 m'
set terminal svg size 980,610 font 'sans,11' background rgb 'white'
set output 'joint-success-rice-bound.svg'
plot \
    csv using (1 && strcol(2) eq '1' && strcol(3) eq 'bound' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, within 1 m', \
    csv using (1 && strcol(2) eq '1' && strcol(3) eq 'bound' ? $1 : NaN):10 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'theory, within 1 m', \
    csv using (1 && strcol(2) eq '1' && strcol(3) eq 'bound' ? $1 : NaN):8 with lines lc rgb '#1f5fbf' lw 2 dt 5 title '(1-P_loc)(1-BER)^{40}, within 1 m', \
    csv using (1 && strcol(2) eq '2' && strcol(3) eq 'bound' ? $1 : NaN):5 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, within 2 m', \
    csv using (1 && strcol(2) eq '2' && strcol(3) eq 'bound' ? $1 : NaN):10 with lines lc rgb '#d9822b' lw 2 dt 2 title 'theory, within 2 m', \
    csv using (1 && strcol(2) eq '2' && strcol(3) eq 'bound' ? $1 : NaN):8 with lines lc rgb '#d9822b' lw 2 dt 5 title '(1-P_loc)(1-BER)^{40}, within 2 m', \
    csv using (1 && strcol(2) eq '3' && strcol(3) eq 'bound' ? $1 : NaN):5 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, within 3 m', \
    csv using (1 && strcol(2) eq '3' && strcol(3) eq 'bound' ? $1 : NaN):10 with lines lc rgb '#2a8f4f' lw 2 dt 2 title 'theory, within 3 m', \
    csv using (1 && strcol(2) eq '3' && strcol(3) eq 'bound' ? $1 : NaN):8 with lines lc rgb '#2a8f4f' lw 2 dt 5 title '(1-P_loc)(1-BER)^{40}, within 3 m', \
    csv using (1 && strcol(2) eq '5' && strcol(3) eq 'bound' ? $1 : NaN):5 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, within 5 m', \
    csv using (1 && strcol(2) eq '5' && strcol(3) eq 'bound' ? $1 : NaN):10 with lines lc rgb '#b03030' lw 2 dt 2 title 'theory, within 5 m', \
    csv using (1 && strcol(2) eq '5' && strcol(3) eq 'bound' ? $1 : NaN):8 with lines lc rgb '#b03030' lw 2 dt 5 title '(1-P_loc)(1-BER)^{40}, within 5 m'
