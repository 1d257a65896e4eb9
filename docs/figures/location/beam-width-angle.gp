# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot beam-width-angle.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'beam-width.csv'
set title 'half-power width of the MRT beam' noenhanced
set xlabel 'antennas' noenhanced
set ylabel 'width [degrees]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale x
set logscale y
set format y '%h'
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'beam-width-angle.png'
plot \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.5' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'exact, steered by 0 degrees', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.5' ? $1 : NaN):7 with lines lc rgb '#1f5fbf' lw 2 dt 2 title '0.886 lambda / (M d cos), steered by 0 degrees', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '0.5' ? $1 : NaN):5 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 7 title 'exact, steered by 30 degrees', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '0.5' ? $1 : NaN):7 with lines lc rgb '#d9822b' lw 2 dt 2 title '0.886 lambda / (M d cos), steered by 30 degrees', \
    csv using (1 && strcol(2) eq '45' && strcol(3) eq '0.5' ? $1 : NaN):5 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 7 title 'exact, steered by 45 degrees', \
    csv using (1 && strcol(2) eq '45' && strcol(3) eq '0.5' ? $1 : NaN):7 with lines lc rgb '#2a8f4f' lw 2 dt 2 title '0.886 lambda / (M d cos), steered by 45 degrees'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'beam-width-angle.svg'
plot \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.5' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'exact, steered by 0 degrees', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq '0.5' ? $1 : NaN):7 with lines lc rgb '#1f5fbf' lw 2 dt 2 title '0.886 lambda / (M d cos), steered by 0 degrees', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '0.5' ? $1 : NaN):5 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 7 title 'exact, steered by 30 degrees', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '0.5' ? $1 : NaN):7 with lines lc rgb '#d9822b' lw 2 dt 2 title '0.886 lambda / (M d cos), steered by 30 degrees', \
    csv using (1 && strcol(2) eq '45' && strcol(3) eq '0.5' ? $1 : NaN):5 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 7 title 'exact, steered by 45 degrees', \
    csv using (1 && strcol(2) eq '45' && strcol(3) eq '0.5' ? $1 : NaN):7 with lines lc rgb '#2a8f4f' lw 2 dt 2 title '0.886 lambda / (M d cos), steered by 45 degrees'
