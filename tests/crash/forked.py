"""What the supervisor starts in place of the engine child: asks the nursery for it, and waits.

python -I -S forked.py NURSERY MODULE FD ARGV…

Loads next to nothing. It hands its socket on and keeps none of it; killed, it takes the child
along; and it ends as the child has ended, by the same signal.
"""

import json
import os
import signal
import socket
import struct
import sys

_, address, module, fd, *argv = sys.argv
connection = socket.socket(socket.AF_UNIX)
connection.connect(address)
asked = json.dumps([module, *argv]).encode()
socket.send_fds(connection, [asked], [1, int(fd)])
os.close(int(fd))
pid = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))[0]


def pass_on(number: int, _frame: object) -> None:
    os.kill(pid, number)


signal.signal(signal.SIGTERM, pass_on)
told = connection.recv(4, socket.MSG_WAITALL)
status = struct.unpack("!i", told)[0] if told else 1
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    signal.pause()
sys.exit(status)
