// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"net"
	"strings"
)

// Notify tells the service manager how pw is, by the protocol of sd_notify(3): "READY=1" when it serves. socket is the value of $NOTIFY_SOCKET;
// empty, as without a service manager, it does nothing.
func Notify(socket, state string) error {
	if socket == "" {
		return nil
	}
	if rest, abstract := strings.CutPrefix(socket, "@"); abstract {
		socket = "\x00" + rest
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	return nil
}
