// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

// Limits of what Parse looks at. They are far above anything a mail program writes; beyond them the mail is still kept and read, only
// the surplus is left out and a defect noted.
const (
	maxHeaderBytes = 1 << 20 // of one header block; later fields are not read
	maxFields      = 2000    // per header block
	maxValueBytes  = 128 << 10
	maxDepth       = 50   // of nested multiparts and attached mails
	maxParts       = 1000 // nodes of the MIME tree, containers included
	maxParams      = 100  // of one Content-Type or Content-Disposition
	maxReferences  = 1000 // the nearest ancestors are kept
	maxDefects     = 50
	maxDateBytes   = 512      // of a date; a longer one is no date
	maxHTML        = 1 << 20  // bytes of HTML that text is made of
	maxInflated    = 64 << 20 // bytes that the compressed parts of a mail may become in all
)
