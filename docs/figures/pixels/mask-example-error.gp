# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot mask-example-error.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'mask-example.csv'
set terminal pngcairo size 1200,438 font 'sans,11' background rgb 'white'
set output 'mask-example-error.png'
set multiplot layout 1,3 margins char 8, char 8, char 4, char 4 spacing char 16 title '|coefficient - truth|, p_fail = 1 %, 30 dB, T = 20' noenhanced
unset key
set size ratio -1
set autoscale fix
set xlabel 'column' noenhanced
set ylabel 'row' noenhanced
set palette defined (0 '#0d0887', 0.33 '#9c179e', 0.66 '#ed7953', 1 '#f0f921')
set cbrange [0:1]
set title 'l1-JLFD' noenhanced
plot csv using (1 ? $3 : NaN):4:12 with image pixels
set title 'Successive-JLFD' noenhanced
plot csv using (1 ? $3 : NaN):4:15 with image pixels
set title 'joint (ours)' noenhanced
plot csv using (1 ? $3 : NaN):4:9 with image pixels
unset multiplot
set terminal svg size 1200,438 font 'sans,11' background rgb 'white'
set output 'mask-example-error.svg'
set multiplot layout 1,3 margins char 8, char 8, char 4, char 4 spacing char 16 title '|coefficient - truth|, p_fail = 1 %, 30 dB, T = 20' noenhanced
unset key
set size ratio -1
set autoscale fix
set xlabel 'column' noenhanced
set ylabel 'row' noenhanced
set palette defined (0 '#0d0887', 0.33 '#9c179e', 0.66 '#ed7953', 1 '#f0f921')
set cbrange [0:1]
set title 'l1-JLFD' noenhanced
plot csv using (1 ? $3 : NaN):4:12 with image pixels
set title 'Successive-JLFD' noenhanced
plot csv using (1 ? $3 : NaN):4:15 with image pixels
set title 'joint (ours)' noenhanced
plot csv using (1 ? $3 : NaN):4:9 with image pixels
unset multiplot
