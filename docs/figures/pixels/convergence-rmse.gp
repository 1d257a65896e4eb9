# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot convergence-rmse.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'convergence.csv'
set title 'position, p_fail = 1 %, 30 dB' noenhanced
set xlabel 'iteration' noenhanced
set ylabel 'RMSE [m]' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale y
set format y '%h'
set terminal pngcairo size 980,610 font 'sans,11' background rgb 'white'
set output 'convergence-rmse.png'
plot \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):4 with lines lc rgb '#222222' lw 2 dt 2 title 'CRB-KnownLoc, T 20', \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):8 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'l1-JLFD, T 20', \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):10 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'Successive-JLFD, T 20', \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):12 with linespoints lc rgb '#0fa3b1' lw 2 dt 1 ps 0.9 pt 11 title 'Successive with Occam factor, T 20', \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):6 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'joint (ours), T 20', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):4 with lines lc rgb '#222222' lw 2 dt 3 title 'CRB-KnownLoc, T 50', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):8 with linespoints lc rgb '#d9822b' lw 2 dt 2 ps 0.9 pt 5 title 'l1-JLFD, T 50', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):10 with linespoints lc rgb '#2a8f4f' lw 2 dt 2 ps 0.9 pt 13 title 'Successive-JLFD, T 50', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):12 with linespoints lc rgb '#0fa3b1' lw 2 dt 2 ps 0.9 pt 11 title 'Successive with Occam factor, T 50', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):6 with linespoints lc rgb '#1f5fbf' lw 2 dt 2 ps 0.9 pt 7 title 'joint (ours), T 50'
set terminal svg size 980,610 font 'sans,11' background rgb 'white'
set output 'convergence-rmse.svg'
plot \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):4 with lines lc rgb '#222222' lw 2 dt 2 title 'CRB-KnownLoc, T 20', \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):8 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 5 title 'l1-JLFD, T 20', \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):10 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 13 title 'Successive-JLFD, T 20', \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):12 with linespoints lc rgb '#0fa3b1' lw 2 dt 1 ps 0.9 pt 11 title 'Successive with Occam factor, T 20', \
    csv using (1 && strcol(1) eq '20' ? $2 : NaN):6 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'joint (ours), T 20', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):4 with lines lc rgb '#222222' lw 2 dt 3 title 'CRB-KnownLoc, T 50', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):8 with linespoints lc rgb '#d9822b' lw 2 dt 2 ps 0.9 pt 5 title 'l1-JLFD, T 50', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):10 with linespoints lc rgb '#2a8f4f' lw 2 dt 2 ps 0.9 pt 13 title 'Successive-JLFD, T 50', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):12 with linespoints lc rgb '#0fa3b1' lw 2 dt 2 ps 0.9 pt 11 title 'Successive with Occam factor, T 50', \
    csv using (1 && strcol(1) eq '50' ? $2 : NaN):6 with linespoints lc rgb '#1f5fbf' lw 2 dt 2 ps 0.9 pt 7 title 'joint (ours), T 50'
