# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot beam-width-loss.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'beam-width.csv'
set title 'what a user 35 m away loses when the position is wrong' noenhanced
set xlabel 'antennas' noenhanced
set ylabel 'level [dB]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale x
set yrange [-20:]
set terminal pngcairo size 980,556 font 'sans,11' background rgb 'white'
set output 'beam-width-loss.png'
plot \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.3' ? $1 : NaN):9 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 6 title 'loss, missed by 0.3 m', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.5' ? $1 : NaN):9 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 6 title 'loss, missed by 0.5 m', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '1' ? $1 : NaN):9 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 6 title 'loss, missed by 1 m'
set terminal svg size 980,556 font 'sans,11' background rgb 'white'
set output 'beam-width-loss.svg'
plot \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.3' ? $1 : NaN):9 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 6 title 'loss, missed by 0.3 m', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.5' ? $1 : NaN):9 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 6 title 'loss, missed by 0.5 m', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '1' ? $1 : NaN):9 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 6 title 'loss, missed by 1 m'
