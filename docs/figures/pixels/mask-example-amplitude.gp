# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot mask-example-amplitude.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'mask-example.csv'
set terminal pngcairo size 1600,438 font 'sans,11' background rgb 'white'
set output 'mask-example-amplitude.png'
set multiplot layout 1,4 margins char 8, char 8, char 4, char 4 spacing char 16 title 'amplitude of the coefficients, p_fail = 1 %, 30 dB, T = 20' noenhanced
unset key
set size ratio -1
set autoscale fix
set xlabel 'column' noenhanced
set ylabel 'row' noenhanced
set palette defined (0 '#0d0887', 0.33 '#9c179e', 0.66 '#ed7953', 1 '#f0f921')
set cbrange [0:1]
set title 'truth' noenhanced
plot csv using (1 ? $3 : NaN):4:5 with image pixels
set title 'l1-JLFD' noenhanced
plot csv using (1 ? $3 : NaN):4:10 with image pixels
set title 'Successive-JLFD' noenhanced
plot csv using (1 ? $3 : NaN):4:13 with image pixels
set title 'joint (ours)' noenhanced
plot csv using (1 ? $3 : NaN):4:7 with image pixels
unset multiplot
set terminal svg size 1600,438 font 'sans,11' background rgb 'white'
set output 'mask-example-amplitude.svg'
set multiplot layout 1,4 margins char 8, char 8, char 4, char 4 spacing char 16 title 'amplitude of the coefficients, p_fail = 1 %, 30 dB, T = 20' noenhanced
unset key
set size ratio -1
set autoscale fix
set xlabel 'column' noenhanced
set ylabel 'row' noenhanced
set palette defined (0 '#0d0887', 0.33 '#9c179e', 0.66 '#ed7953', 1 '#f0f921')
set cbrange [0:1]
set title 'truth' noenhanced
plot csv using (1 ? $3 : NaN):4:5 with image pixels
set title 'l1-JLFD' noenhanced
plot csv using (1 ? $3 : NaN):4:10 with image pixels
set title 'Successive-JLFD' noenhanced
plot csv using (1 ? $3 : NaN):4:13 with image pixels
set title 'joint (ours)' noenhanced
plot csv using (1 ? $3 : NaN):4:7 with image pixels
unset multiplot
