// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"testing"

	"patchwork.example/pw/internal/format/mailmsg"
)

// TestParserPanics: a mail that the parser can't bear is kept, under an id made of its bytes, and not tried by the claimers.
func TestParserPanics(t *testing.T) {
	m := Mail{SHA256: [32]byte{0xab, 0xcd}}
	m.read([]byte("Message-ID: <a@b>\n\nx"), func([]byte) *mailmsg.Message { panic("no such part") }, nil)
	if m.spoiled != "reading it panicked: no such part" || m.Message == nil || m.MsgID != "<abcd0000000000000000000000000000@no-message-id.invalid>" {
		t.Errorf("%q, %v, %q", m.spoiled, m.Message, m.MsgID)
	}
}
