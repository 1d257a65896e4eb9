# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot coverage-designs-wait.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'coverage-designs.csv'
set title 'first position of a user who walks onto a place lit by both, 95 % of them, at -20 dB' noenhanced
set xlabel 'elements a side' noenhanced
set ylabel 'wait [s]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale y
set format y '%h'
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'coverage-designs-wait.png'
plot \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):17 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'wide, cycle 0.2 s', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):23 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title '16 beams in turn, cycle 0.2 s', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '1' && strcol(4) eq 'weaker' ? $1 : NaN):17 with linespoints lc rgb '#1f5fbf' lw 2 dt 2 ps 0.9 pt 7 title 'wide, cycle 1 s', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '1' && strcol(4) eq 'weaker' ? $1 : NaN):23 with linespoints lc rgb '#2a8f4f' lw 2 dt 2 ps 0.9 pt 13 title '16 beams in turn, cycle 1 s'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'coverage-designs-wait.svg'
plot \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):17 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'wide, cycle 0.2 s', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):23 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title '16 beams in turn, cycle 0.2 s', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '1' && strcol(4) eq 'weaker' ? $1 : NaN):17 with linespoints lc rgb '#1f5fbf' lw 2 dt 2 ps 0.9 pt 7 title 'wide, cycle 1 s', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '1' && strcol(4) eq 'weaker' ? $1 : NaN):23 with linespoints lc rgb '#2a8f4f' lw 2 dt 2 ps 0.9 pt 13 title '16 beams in turn, cycle 1 s'
