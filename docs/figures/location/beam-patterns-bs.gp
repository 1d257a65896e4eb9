# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot beam-patterns-bs.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'beam-patterns.csv'
set title 'beam of the base station, 31 antennas, MRT' noenhanced
set xlabel 'angle off broadside [degrees]' noenhanced
set ylabel 'level [dB]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set yrange [-50:]
set terminal pngcairo size 980,556 font 'sans,11' background rgb 'white'
set output 'beam-patterns-bs.png'
plot \
    csv using (1 && strcol(1) eq '3' && strcol(2) eq '0' ? $5 : NaN):6 with lines lc rgb '#222222' lw 2 dt 1 title 'BS'
set terminal svg size 980,556 font 'sans,11' background rgb 'white'
set output 'beam-patterns-bs.svg'
plot \
    csv using (1 && strcol(1) eq '3' && strcol(2) eq '0' ? $5 : NaN):6 with lines lc rgb '#222222' lw 2 dt 1 title 'BS'
