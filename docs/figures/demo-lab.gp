# SPDX-License-Identifier: GPL-3.0-or-later
# Floor plan of scene lab with the user's way and the fixes, and the error over time.
set datafile separator ","
set terminal svg size 960,480 dynamic background rgb "white" font "sans-serif,13"
set output "demo-lab.svg"
set multiplot
set key outside bottom center horizontal samplen 1
set origin 0.0, 0.0
set size 0.52, 1.0
set size ratio -1
set xrange [0:8]
set yrange [0:8]
set xlabel "x / m"
set ylabel "y / m"
set title "scene lab, one fix per cycle"
set grid lc rgb "#dddddd"
set label 1 "base station" at 0.75, 0.35
set label 2 "RIS 1" at 7.0, 1.15 center
set label 3 "RIS 2" at 1.2, 6.35
set object 1 rect from 0,0 to 8,8 fs empty border lc rgb "#444444" lw 2
plot "demo-lab.csv" using 6:7 skip 1 with lines lw 6 lc rgb "#cfe3cf" title "truth", \
     "demo-lab.csv" using 2:3 skip 1 with points pt 7 ps 0.35 lc rgb "#1f5fbf" title "fix", \
     "demo-lab.csv" using 4:5 skip 1 with lines lw 1 lc rgb "#d9822b" title "track", \
     "-" using 1:2 with points pt 5 ps 1.2 lc rgb "#b03030" notitle
0.5,0.5
7.0,1.5
1.0,6.0
e
unset label
unset object
set origin 0.52, 0.0
set size noratio
set size 0.48, 1.0
unset xrange
set yrange [0:0.6]
set xlabel "room time / s"
set ylabel "position error / m"
set title "error of each fix against the truth"
plot "demo-lab.csv" using 1:8 skip 1 with points pt 7 ps 0.35 lc rgb "#1f5fbf" notitle
unset multiplot
