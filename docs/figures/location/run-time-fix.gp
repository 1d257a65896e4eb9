# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot run-time-fix.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'run-time.csv'
set title 'one position, and the communication beam' noenhanced
set xlabel 'antennas' noenhanced
set ylabel 'processor time [us]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale x
set logscale y
set format y '%h'
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'run-time-fix.png'
plot \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):4 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 9 title 'arrival (at most 8 antennas)', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):5 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 5 title 'identity (35)', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):6 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 4 title 'closed form', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):7 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'least squares', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):10 with linespoints lc rgb '#7b4fa3' lw 2 dt 1 ps 0.9 pt 11 title 'MRT'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'run-time-fix.svg'
plot \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):4 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 9 title 'arrival (at most 8 antennas)', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):5 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 5 title 'identity (35)', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):6 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 4 title 'closed form', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):7 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'least squares', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):10 with linespoints lc rgb '#7b4fa3' lw 2 dt 1 ps 0.9 pt 11 title 'MRT'
