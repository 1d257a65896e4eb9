# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot rice-explained.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'rice.csv'
set title 'answers called explained' noenhanced
set xlabel 'K [dB]' noenhanced
set ylabel 'share of trials' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'rice-explained.png'
plot \
    csv using (1 ? $1 : NaN):38 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 9 title 'agnostic', \
    csv using (1 ? $1 : NaN):48 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'l1-JLFD', \
    csv using (1 ? $1 : NaN):58 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'Successive-JLFD', \
    csv using (1 ? $1 : NaN):28 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'joint (ours)'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'rice-explained.svg'
plot \
    csv using (1 ? $1 : NaN):38 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 9 title 'agnostic', \
    csv using (1 ? $1 : NaN):48 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'l1-JLFD', \
    csv using (1 ? $1 : NaN):58 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'Successive-JLFD', \
    csv using (1 ? $1 : NaN):28 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'joint (ours)'
