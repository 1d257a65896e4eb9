# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot bit-errors-awgn.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'bit-errors.csv'
set title 'bit error rate without fading (K = 10^6)' noenhanced
set xlabel 'E_b/N_0 [dB]' noenhanced
set ylabel 'BER' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale y
set format y '10^{%T}'
set yrange [1e-06:]
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'bit-errors-awgn.png'
plot \
    csv using (1 && strcol(2) eq 'bpsk' && strcol(3) eq '1e6' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, with bpsk', \
    csv using (1 && strcol(2) eq 'bpsk' && strcol(3) eq '1e6' ? $1 : NaN):6 with lines lc rgb '#222222' lw 2 dt 2 title 'theory, with bpsk', \
    csv using (1 && strcol(2) eq 'qam16' && strcol(3) eq '1e6' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 2 ps 0.9 pt 7 title 'simulated, with qam16', \
    csv using (1 && strcol(2) eq 'qam16' && strcol(3) eq '1e6' ? $1 : NaN):6 with lines lc rgb '#222222' lw 2 dt 3 title 'theory, with qam16'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'bit-errors-awgn.svg'
plot \
    csv using (1 && strcol(2) eq 'bpsk' && strcol(3) eq '1e6' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'simulated, with bpsk', \
    csv using (1 && strcol(2) eq 'bpsk' && strcol(3) eq '1e6' ? $1 : NaN):6 with lines lc rgb '#222222' lw 2 dt 2 title 'theory, with bpsk', \
    csv using (1 && strcol(2) eq 'qam16' && strcol(3) eq '1e6' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 2 ps 0.9 pt 7 title 'simulated, with qam16', \
    csv using (1 && strcol(2) eq 'qam16' && strcol(3) eq '1e6' ? $1 : NaN):6 with lines lc rgb '#222222' lw 2 dt 3 title 'theory, with qam16'
