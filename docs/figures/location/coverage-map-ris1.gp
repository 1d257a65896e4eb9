# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot coverage-map-ris1.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'coverage-map.csv'
set terminal pngcairo size 1600,438 font 'sans,11' background rgb 'white'
set output 'coverage-map-ris1.png'
set multiplot layout 1,4 margins char 8, char 8, char 4, char 4 spacing char 16 title 'level under focus [dB], RIS1 of scene lab, 1 bit' noenhanced
unset key
set size ratio -1
set autoscale fix
set xlabel 'x [m]' noenhanced
set ylabel 'y [m]' noenhanced
set palette defined (0 '#0d0887', 0.33 '#9c179e', 0.66 '#ed7953', 1 '#f0f921')
set cbrange [-40:0]
set title 'focus on the middle' noenhanced
plot csv using (1 && strcol(1) eq 'ris1' ? $4 : NaN):5:6 with image pixels
set title 'wide' noenhanced
plot csv using (1 && strcol(1) eq 'ris1' ? $4 : NaN):5:7 with image pixels
set title 'best of 16 beams' noenhanced
plot csv using (1 && strcol(1) eq 'ris1' ? $4 : NaN):5:8 with image pixels
set title 'tracked' noenhanced
plot csv using (1 && strcol(1) eq 'ris1' ? $4 : NaN):5:9 with image pixels
unset multiplot
set terminal svg size 1600,438 font 'sans,11' background rgb 'white'
set output 'coverage-map-ris1.svg'
set multiplot layout 1,4 margins char 8, char 8, char 4, char 4 spacing char 16 title 'level under focus [dB], RIS1 of scene lab, 1 bit' noenhanced
unset key
set size ratio -1
set autoscale fix
set xlabel 'x [m]' noenhanced
set ylabel 'y [m]' noenhanced
set palette defined (0 '#0d0887', 0.33 '#9c179e', 0.66 '#ed7953', 1 '#f0f921')
set cbrange [-40:0]
set title 'focus on the middle' noenhanced
plot csv using (1 && strcol(1) eq 'ris1' ? $4 : NaN):5:6 with image pixels
set title 'wide' noenhanced
plot csv using (1 && strcol(1) eq 'ris1' ? $4 : NaN):5:7 with image pixels
set title 'best of 16 beams' noenhanced
plot csv using (1 && strcol(1) eq 'ris1' ? $4 : NaN):5:8 with image pixels
set title 'tracked' noenhanced
plot csv using (1 && strcol(1) eq 'ris1' ? $4 : NaN):5:9 with image pixels
unset multiplot
