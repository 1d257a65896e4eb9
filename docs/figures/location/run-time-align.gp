# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot run-time-align.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'run-time.csv'
set title 'phases of one surface by the alternation (14)' noenhanced
set xlabel 'antennas' noenhanced
set ylabel 'processor time [us]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale x
set logscale y
set format y '%h'
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'run-time-align.png'
plot \
    csv using (1 && strcol(2) eq '2' ? $1 : NaN):8 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 2', \
    csv using (1 && strcol(2) eq '4' ? $1 : NaN):8 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 4', \
    csv using (1 && strcol(2) eq '8' ? $1 : NaN):8 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 8', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):8 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 16', \
    csv using (1 && strcol(2) eq '32' ? $1 : NaN):8 with linespoints lc rgb '#7b4fa3' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 32'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'run-time-align.svg'
plot \
    csv using (1 && strcol(2) eq '2' ? $1 : NaN):8 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 2', \
    csv using (1 && strcol(2) eq '4' ? $1 : NaN):8 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 4', \
    csv using (1 && strcol(2) eq '8' ? $1 : NaN):8 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 8', \
    csv using (1 && strcol(2) eq '16' ? $1 : NaN):8 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 16', \
    csv using (1 && strcol(2) eq '32' ? $1 : NaN):8 with linespoints lc rgb '#7b4fa3' lw 2 dt 1 ps 0.9 pt 6 title '(14), elements a side 32'
