# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot beam-width-metres.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'beam-width.csv'
set title 'half-power width 35 m away' noenhanced
set xlabel 'antennas' noenhanced
set ylabel 'width [m]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale x
set logscale y
set format y '%h'
set terminal pngcairo size 980,556 font 'sans,11' background rgb 'white'
set output 'beam-width-metres.png'
plot \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.5' ? $1 : NaN):8 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 6 title 'width, steered by 0 degrees', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '0.5' ? $1 : NaN):8 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 6 title 'width, steered by 30 degrees', \
    csv using (1 && strcol(2) eq '45' && strcol(3) eq '0.5' ? $1 : NaN):8 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 6 title 'width, steered by 45 degrees'
set terminal svg size 980,556 font 'sans,11' background rgb 'white'
set output 'beam-width-metres.svg'
plot \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.5' ? $1 : NaN):8 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 6 title 'width, steered by 0 degrees', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '0.5' ? $1 : NaN):8 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 6 title 'width, steered by 30 degrees', \
    csv using (1 && strcol(2) eq '45' && strcol(3) eq '0.5' ? $1 : NaN):8 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 6 title 'width, steered by 45 degrees'
