# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot rmse-snr-nmse-t20.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'rmse-snr.csv'
set title 'mask, p_fail = 1 %, T = 20' noenhanced
set xlabel 'SNR [dB]' noenhanced
set ylabel 'mean of |m - truth|^2 / |truth|^2' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale y
set format y '%h'
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'rmse-snr-nmse-t20.png'
plot \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):35 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 9 title 'all healthy', \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):45 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'l1-JLFD', \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):55 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'Successive-JLFD', \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):65 with linespoints lc rgb '#0fa3b1' lw 2 dt 1 ps 0.9 pt 11 title 'Successive with Occam factor', \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):25 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'joint (ours)'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'rmse-snr-nmse-t20.svg'
plot \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):35 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 9 title 'all healthy', \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):45 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'l1-JLFD', \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):55 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'Successive-JLFD', \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):65 with linespoints lc rgb '#0fa3b1' lw 2 dt 1 ps 0.9 pt 11 title 'Successive with Occam factor', \
    csv using (1 && strcol(2) eq '20' ? $1 : NaN):25 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'joint (ours)'
