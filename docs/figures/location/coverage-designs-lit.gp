# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot coverage-designs-lit.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'coverage-designs.csv'
set title 'places at -20 dB or better by both surfaces' noenhanced
set xlabel 'elements a side' noenhanced
set ylabel 'share' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set yrange [0:]
set yrange [:1]
set terminal pngcairo size 980,574 font 'sans,11' background rgb 'white'
set output 'coverage-designs-lit.png'
plot \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):9 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 4 title 'focus on the middle', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):15 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'wide', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):21 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'best of 16', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):27 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'tracked'
set terminal svg size 980,574 font 'sans,11' background rgb 'white'
set output 'coverage-designs-lit.svg'
plot \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):9 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 4 title 'focus on the middle', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):15 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'wide', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):21 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'best of 16', \
    csv using (1 && strcol(2) eq '-20' && strcol(3) eq '0.2' && strcol(4) eq 'weaker' ? $1 : NaN):27 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'tracked'
