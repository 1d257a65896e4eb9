# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot bounds-snr-t20.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'bounds-snr.csv'
set title 'bounds, T = 20' noenhanced
set xlabel 'SNR [dB]' noenhanced
set ylabel 'rms over masks [m]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale y
set format y '%h'
set terminal pngcairo size 980,592 font 'sans,11' background rgb 'white'
set output 'bounds-snr-t20.png'
plot \
    csv using (1 && strcol(2) eq '0.005' && strcol(3) eq '20' ? $1 : NaN):6 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'CRB-perfect, p_fail 0.005', \
    csv using (1 && strcol(2) eq '0.005' && strcol(3) eq '20' ? $1 : NaN):9 with lines lc rgb '#1f5fbf' lw 2 dt 3 title 'CRB-KnownLoc, p_fail 0.005', \
    csv using (1 && strcol(2) eq '0.005' && strcol(3) eq '20' ? $1 : NaN):12 with lines lc rgb '#1f5fbf' lw 2 dt 4 title 'LB, p_fail 0.005', \
    csv using (1 && strcol(2) eq '0.01' && strcol(3) eq '20' ? $1 : NaN):6 with lines lc rgb '#d9822b' lw 2 dt 2 title 'CRB-perfect, p_fail 0.01', \
    csv using (1 && strcol(2) eq '0.01' && strcol(3) eq '20' ? $1 : NaN):9 with lines lc rgb '#d9822b' lw 2 dt 3 title 'CRB-KnownLoc, p_fail 0.01', \
    csv using (1 && strcol(2) eq '0.01' && strcol(3) eq '20' ? $1 : NaN):12 with lines lc rgb '#d9822b' lw 2 dt 4 title 'LB, p_fail 0.01', \
    csv using (1 && strcol(2) eq '0.02' && strcol(3) eq '20' ? $1 : NaN):6 with lines lc rgb '#2a8f4f' lw 2 dt 2 title 'CRB-perfect, p_fail 0.02', \
    csv using (1 && strcol(2) eq '0.02' && strcol(3) eq '20' ? $1 : NaN):9 with lines lc rgb '#2a8f4f' lw 2 dt 3 title 'CRB-KnownLoc, p_fail 0.02', \
    csv using (1 && strcol(2) eq '0.02' && strcol(3) eq '20' ? $1 : NaN):12 with lines lc rgb '#2a8f4f' lw 2 dt 4 title 'LB, p_fail 0.02'
set terminal svg size 980,592 font 'sans,11' background rgb 'white'
set output 'bounds-snr-t20.svg'
plot \
    csv using (1 && strcol(2) eq '0.005' && strcol(3) eq '20' ? $1 : NaN):6 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'CRB-perfect, p_fail 0.005', \
    csv using (1 && strcol(2) eq '0.005' && strcol(3) eq '20' ? $1 : NaN):9 with lines lc rgb '#1f5fbf' lw 2 dt 3 title 'CRB-KnownLoc, p_fail 0.005', \
    csv using (1 && strcol(2) eq '0.005' && strcol(3) eq '20' ? $1 : NaN):12 with lines lc rgb '#1f5fbf' lw 2 dt 4 title 'LB, p_fail 0.005', \
    csv using (1 && strcol(2) eq '0.01' && strcol(3) eq '20' ? $1 : NaN):6 with lines lc rgb '#d9822b' lw 2 dt 2 title 'CRB-perfect, p_fail 0.01', \
    csv using (1 && strcol(2) eq '0.01' && strcol(3) eq '20' ? $1 : NaN):9 with lines lc rgb '#d9822b' lw 2 dt 3 title 'CRB-KnownLoc, p_fail 0.01', \
    csv using (1 && strcol(2) eq '0.01' && strcol(3) eq '20' ? $1 : NaN):12 with lines lc rgb '#d9822b' lw 2 dt 4 title 'LB, p_fail 0.01', \
    csv using (1 && strcol(2) eq '0.02' && strcol(3) eq '20' ? $1 : NaN):6 with lines lc rgb '#2a8f4f' lw 2 dt 2 title 'CRB-perfect, p_fail 0.02', \
    csv using (1 && strcol(2) eq '0.02' && strcol(3) eq '20' ? $1 : NaN):9 with lines lc rgb '#2a8f4f' lw 2 dt 3 title 'CRB-KnownLoc, p_fail 0.02', \
    csv using (1 && strcol(2) eq '0.02' && strcol(3) eq '20' ? $1 : NaN):12 with lines lc rgb '#2a8f4f' lw 2 dt 4 title 'LB, p_fail 0.02'
