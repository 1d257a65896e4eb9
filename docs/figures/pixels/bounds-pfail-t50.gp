# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot bounds-pfail-t50.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'bounds-pfail.csv'
set title 'bounds, T = 50' noenhanced
set xlabel 'p_fail' noenhanced
set ylabel 'rms over masks [m]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale y
set format y '%h'
set terminal pngcairo size 980,592 font 'sans,11' background rgb 'white'
set output 'bounds-pfail-t50.png'
plot \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq '50' ? $1 : NaN):6 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'CRB-perfect, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq '50' ? $1 : NaN):9 with lines lc rgb '#1f5fbf' lw 2 dt 3 title 'CRB-KnownLoc, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq '50' ? $1 : NaN):12 with lines lc rgb '#1f5fbf' lw 2 dt 4 title 'LB, SNR 10 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq '50' ? $1 : NaN):6 with lines lc rgb '#d9822b' lw 2 dt 2 title 'CRB-perfect, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq '50' ? $1 : NaN):9 with lines lc rgb '#d9822b' lw 2 dt 3 title 'CRB-KnownLoc, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq '50' ? $1 : NaN):12 with lines lc rgb '#d9822b' lw 2 dt 4 title 'LB, SNR 20 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '50' ? $1 : NaN):6 with lines lc rgb '#2a8f4f' lw 2 dt 2 title 'CRB-perfect, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '50' ? $1 : NaN):9 with lines lc rgb '#2a8f4f' lw 2 dt 3 title 'CRB-KnownLoc, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '50' ? $1 : NaN):12 with lines lc rgb '#2a8f4f' lw 2 dt 4 title 'LB, SNR 30 dB'
set terminal svg size 980,592 font 'sans,11' background rgb 'white'
set output 'bounds-pfail-t50.svg'
plot \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq '50' ? $1 : NaN):6 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'CRB-perfect, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq '50' ? $1 : NaN):9 with lines lc rgb '#1f5fbf' lw 2 dt 3 title 'CRB-KnownLoc, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq '50' ? $1 : NaN):12 with lines lc rgb '#1f5fbf' lw 2 dt 4 title 'LB, SNR 10 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq '50' ? $1 : NaN):6 with lines lc rgb '#d9822b' lw 2 dt 2 title 'CRB-perfect, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq '50' ? $1 : NaN):9 with lines lc rgb '#d9822b' lw 2 dt 3 title 'CRB-KnownLoc, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq '50' ? $1 : NaN):12 with lines lc rgb '#d9822b' lw 2 dt 4 title 'LB, SNR 20 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '50' ? $1 : NaN):6 with lines lc rgb '#2a8f4f' lw 2 dt 2 title 'CRB-perfect, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '50' ? $1 : NaN):9 with lines lc rgb '#2a8f4f' lw 2 dt 3 title 'CRB-KnownLoc, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq '50' ? $1 : NaN):12 with lines lc rgb '#2a8f4f' lw 2 dt 4 title 'LB, SNR 30 dB'
