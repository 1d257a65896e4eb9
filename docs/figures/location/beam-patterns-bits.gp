# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot beam-patterns-bits.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'beam-patterns.csv'
set title 'RIS1, 16 columns: any phase and 1 bit' noenhanced
set xlabel 'angle off the normal [degrees]' noenhanced
set ylabel 'level under focus on the user [dB]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set yrange [-50:]
set terminal pngcairo size 980,556 font 'sans,11' background rgb 'white'
set output 'beam-patterns-bits.png'
plot \
    csv using (1 && strcol(1) eq '16' && strcol(2) eq '0' ? $5 : NaN):7 with lines lc rgb '#1f5fbf' lw 2 dt 1 title 'RIS1, bits 0', \
    csv using (1 && strcol(1) eq '16' && strcol(2) eq '1' ? $5 : NaN):7 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'RIS1, bits 1'
set terminal svg size 980,556 font 'sans,11' background rgb 'white'
set output 'beam-patterns-bits.svg'
plot \
    csv using (1 && strcol(1) eq '16' && strcol(2) eq '0' ? $5 : NaN):7 with lines lc rgb '#1f5fbf' lw 2 dt 1 title 'RIS1, bits 0', \
    csv using (1 && strcol(1) eq '16' && strcol(2) eq '1' ? $5 : NaN):7 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'RIS1, bits 1'
