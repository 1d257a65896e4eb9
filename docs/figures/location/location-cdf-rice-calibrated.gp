# SPDX-License-Identifier: GPL-3.0-or-later
# Written by mirador sweep. Draws again in its own folder: gnuplot location-cdf-rice-calibrated.gp
set datafile separator ','
set datafile missing NaN
set datafile columnheaders
csv = 'location-cdf-rice.csv'
set title 'share of users within, error of a length 1 m at 20 dB, Rice K = 3' noenhanced
set xlabel 'error in plan [m]' noenhanced
set ylabel 'share of users' noenhanced
set key below height 1 noenhanced
set autoscale xfix
set grid lc rgb '#dddddd'
set logscale x
set terminal pngcairo size 980,646 font 'sans,11' background rgb 'white'
set output 'location-cdf-rice-calibrated.png'
plot \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq 'calibrated' ? $1 : NaN):9 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'WNLS, SNR 0 dB', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq 'calibrated' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 4 title 'closed form, SNR 0 dB', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq 'calibrated' ? $1 : NaN):15 with lines lc rgb '#1f5fbf' lw 2 dt 4 title 'WNLS in theory, SNR 0 dB', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq 'calibrated' ? $1 : NaN):14 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'closed form in theory, SNR 0 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq 'calibrated' ? $1 : NaN):9 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 7 title 'WNLS, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq 'calibrated' ? $1 : NaN):5 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 4 title 'closed form, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq 'calibrated' ? $1 : NaN):15 with lines lc rgb '#d9822b' lw 2 dt 4 title 'WNLS in theory, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq 'calibrated' ? $1 : NaN):14 with lines lc rgb '#d9822b' lw 2 dt 2 title 'closed form in theory, SNR 10 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq 'calibrated' ? $1 : NaN):9 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 7 title 'WNLS, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq 'calibrated' ? $1 : NaN):5 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 4 title 'closed form, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq 'calibrated' ? $1 : NaN):15 with lines lc rgb '#2a8f4f' lw 2 dt 4 title 'WNLS in theory, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq 'calibrated' ? $1 : NaN):14 with lines lc rgb '#2a8f4f' lw 2 dt 2 title 'closed form in theory, SNR 20 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq 'calibrated' ? $1 : NaN):9 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 7 title 'WNLS, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq 'calibrated' ? $1 : NaN):5 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 4 title 'closed form, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq 'calibrated' ? $1 : NaN):15 with lines lc rgb '#b03030' lw 2 dt 4 title 'WNLS in theory, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq 'calibrated' ? $1 : NaN):14 with lines lc rgb '#b03030' lw 2 dt 2 title 'closed form in theory, SNR 30 dB'
set terminal svg size 980,646 font 'sans,11' background rgb 'white'
set output 'location-cdf-rice-calibrated.svg'
plot \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq 'calibrated' ? $1 : NaN):9 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 7 title 'WNLS, SNR 0 dB', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq 'calibrated' ? $1 : NaN):5 with linespoints lc rgb '#1f5fbf' lw 2 dt 1 ps 0.9 pt 4 title 'closed form, SNR 0 dB', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq 'calibrated' ? $1 : NaN):15 with lines lc rgb '#1f5fbf' lw 2 dt 4 title 'WNLS in theory, SNR 0 dB', \
    csv using (1 && strcol(2) eq '0' && strcol(3) eq 'calibrated' ? $1 : NaN):14 with lines lc rgb '#1f5fbf' lw 2 dt 2 title 'closed form in theory, SNR 0 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq 'calibrated' ? $1 : NaN):9 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 7 title 'WNLS, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq 'calibrated' ? $1 : NaN):5 with linespoints lc rgb '#d9822b' lw 2 dt 1 ps 0.9 pt 4 title 'closed form, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq 'calibrated' ? $1 : NaN):15 with lines lc rgb '#d9822b' lw 2 dt 4 title 'WNLS in theory, SNR 10 dB', \
    csv using (1 && strcol(2) eq '10' && strcol(3) eq 'calibrated' ? $1 : NaN):14 with lines lc rgb '#d9822b' lw 2 dt 2 title 'closed form in theory, SNR 10 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq 'calibrated' ? $1 : NaN):9 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 7 title 'WNLS, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq 'calibrated' ? $1 : NaN):5 with linespoints lc rgb '#2a8f4f' lw 2 dt 1 ps 0.9 pt 4 title 'closed form, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq 'calibrated' ? $1 : NaN):15 with lines lc rgb '#2a8f4f' lw 2 dt 4 title 'WNLS in theory, SNR 20 dB', \
    csv using (1 && strcol(2) eq '20' && strcol(3) eq 'calibrated' ? $1 : NaN):14 with lines lc rgb '#2a8f4f' lw 2 dt 2 title 'closed form in theory, SNR 20 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq 'calibrated' ? $1 : NaN):9 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 7 title 'WNLS, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq 'calibrated' ? $1 : NaN):5 with linespoints lc rgb '#b03030' lw 2 dt 1 ps 0.9 pt 4 title 'closed form, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq 'calibrated' ? $1 : NaN):15 with lines lc rgb '#b03030' lw 2 dt 4 title 'WNLS in theory, SNR 30 dB', \
    csv using (1 && strcol(2) eq '30' && strcol(3) eq 'calibrated' ? $1 : NaN):14 with lines lc rgb '#b03030' lw 2 dt 2 title 'closed form in theory, SNR 30 dB'
