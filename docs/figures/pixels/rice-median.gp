# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot rice-median.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'rice.csv'
set title 'position, p_fail = 1 %, 30 dB, T = 50' noenhanced
set xlabel 'K [dB]' noenhanced
set ylabel 'median error [m]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale y
set format y '%h'
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'rice-median.png'
plot \
    csv using (1 ? $1 : NaN):8 with lines lc rgb '#222222' lw 2 dt 2 title 'CRB-KnownLoc', \
    csv using (1 ? $1 : NaN):30 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 9 title 'agnostic', \
    csv using (1 ? $1 : NaN):40 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'l1-JLFD', \
    csv using (1 ? $1 : NaN):50 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'Successive-JLFD', \
    csv using (1 ? $1 : NaN):60 with linespoints lc rgb '#0fa3b1' lw 2 dt 1 ps 0.9 pt 11 title 'Successive with Occam factor', \
    csv using (1 ? $1 : NaN):20 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'joint (ours)'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'rice-median.svg'
plot \
    csv using (1 ? $1 : NaN):8 with lines lc rgb '#222222' lw 2 dt 2 title 'CRB-KnownLoc', \
    csv using (1 ? $1 : NaN):30 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 9 title 'agnostic', \
    csv using (1 ? $1 : NaN):40 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'l1-JLFD', \
    csv using (1 ? $1 : NaN):50 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'Successive-JLFD', \
    csv using (1 ? $1 : NaN):60 with linespoints lc rgb '#0fa3b1' lw 2 dt 1 ps 0.9 pt 11 title 'Successive with Occam factor', \
    csv using (1 ? $1 : NaN):20 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'joint (ours)'
