// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"net"
	"syscall"
)

// hungUp tells whether the other side of a connection has said something, or ended it, while nobody used it: PostgreSQL does that when it ends a session. Who asks without a look cannot
// know, if no answer comes, whether his question was heard. It reads nothing and takes a microsecond.
func hungUp(c net.Conn) bool {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = over.NetConn()
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN || err == syscall.EINTR
	})
	return err != nil || !quiet
}
