// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import "encoding/json"

// Attachment is a file that a mail carries. What is in it is read from the mail as it was received.
type Attachment struct {
	Part  int    `json:"part"` // its number among the parts of the mail, from 1
	Name  string `json:"name"` // as the sender called it, at most 255 bytes; "": not at all
	Type  string `json:"type"` // as the sender said, such as "image/png"
	Size  int    `json:"size"` // bytes
	Patch bool   `json:"patch,omitempty"`
}

// PackAttachments is the form in which attachments are stored; nil for none.
func PackAttachments(files []Attachment) any {
	if len(files) == 0 {
		return nil
	}
	b, err := json.Marshal(files)
	if err != nil {
		panic(err) // no text or number can't be written
	}
	return string(b)
}

// UnpackAttachments reads what PackAttachments has made; what is something else is none.
func UnpackAttachments(stored string) (files []Attachment) {
	if stored == "" || json.Unmarshal([]byte(stored), &files) != nil {
		return nil
	}
	return files
}
