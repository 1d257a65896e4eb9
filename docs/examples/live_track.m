## SPDX-License-Identifier: GPL-3.0-or-later
## Follows the users of a running miradord, in Octave:
##
##   octave live_track.m ENDPOINT [SECONDS [PICTURE.svg]]
##
## ENDPOINT is telemetry.endpoint of the daemon, e.g. ipc:///run/mirador/telemetry.sock; the demo says its state folder
## when it starts. A line per position; the track is drawn as it grows where there is a screen, and at the end into
## PICTURE. Needs Octave 7 and its zeromq package (Debian: octave, octave-zeromq).
1;

function frames = receive_message (socket)
  frames = {};
  do
    frames{end+1} = zmq_recv (socket, 1e6);
  until (! zmq_getsockopt (socket, ZMQ_RCVMORE))
endfunction

## The arrays that the header describes, by name. The last axis runs fastest, Octave's first: so they are turned round.
function arrays = arrays_of (header, bytes)
  kinds = struct ("f4", "single", "u1", "uint8");
  arrays = struct ();
  at = 0;
  for entry = header.arrays(:)'
    kind = kinds.(entry.dtype);
    n = prod (entry.shape) * sizeof (cast (0, kind));
    values = typecast (bytes(at + (1:n)), kind);
    shape = [entry.shape(:)', 1];
    arrays.(entry.name) = permute (reshape (values, fliplr (shape)), numel (shape):-1:1);
    at += n;
  endfor
endfunction

function draw_track (track)
  plot (track(:,1), track(:,2), "-", track(end,1), track(end,2), "o");
  axis ("equal");
  grid ("on");
  xlabel ("x in m");
  ylabel ("y in m");
endfunction

## Follows until `seconds` are over; the track, one row [time_s, x, y, z] per position.
function track = live_track (endpoint, seconds, shown)
  socket = zmq_socket (ZMQ_SUB);
  zmq_connect (socket, endpoint);
  zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "fix");
  zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "paths");
  track = zeros (0, 4);
  last = lost = 0;
  run = strongest = "";
  begun = tic ();
  while (toc (begun) < seconds)
    if (! zmq_poll (socket, 200))
      continue;
    endif
    frames = receive_message (socket);
    header = jsondecode (char (frames{2}));
    if (strcmp (header.type, "paths"))
      power = arrays_of (header, frames{3}).power;  # [stream, bin]
      [~, bin] = max (power, [], 2);
      strongest = sprintf (" %.1f", (bin - 1) * header.arrays(1).step_m);
      continue;
    endif
    if (strcmp (run, header.run))  # another run is another start of the daemon
      lost += header.seq - last - 1;
    endif
    run = header.run;
    last = header.seq;
    track(end+1,:) = [header.time_s, header.position_m(:)'];
    sigma = sqrt (diag (header.covariance_m2));
    printf ("%8.2f s  user %d %s m  peaks at%s m  %d lost\n", header.time_s, header.user, ...
            sprintf (" %6.2f +-%.2f", [header.position_m(:)'; sigma']), strongest, lost);
    if (shown)
      draw_track (track(max (1, end - 199):end,2:3));
      drawnow ();
    endif
  endwhile
  zmq_close (socket);
endfunction

args = argv ();
if (numel (args) < 1)
  error ("live_track.m: give the telemetry endpoint, e.g. ipc:///run/mirador/telemetry.sock");
endif
pkg load zeromq
seconds = Inf;
if (numel (args) > 1)
  seconds = str2double (args{2});
endif
picture = numel (args) > 2;
track = live_track (args{1}, seconds, ! picture && have_window_system ());
if (picture && ! isempty (track))
  figure ("visible", "off");
  draw_track (track(:,2:3));
  print (args{3});
endif
if (isempty (track))
  exit (1);
endif
