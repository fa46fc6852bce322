// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"errors"
	"fmt"
	"strings"
)

// Author returns who wrote the mail: the first From address, or, when list software has put the list's own address there (listEmail or that of List-Post,
// any letter case) to satisfy DMARC, the person behind it as far as other headers tell. listEmail may be empty. The error says why there is no
// author; it is meant for people.
func (m *Message) Author(listEmail string) (Address, error) {
	if !m.Header.Has("From") {
		return Address{}, errors.New("no From header")
	}
	for _, raw := range m.Header.allRaw("From") {
		from, err := parseRawFrom(raw)
		switch {
		case err != nil:
		case m.isList(from.Email, listEmail):
			return m.unmunge(from), nil
		default:
			return m.relayed(m.spelledInLocal(from, listEmail)), nil
		}
	}
	return Address{}, fmt.Errorf("read From %.200q: %w", m.Header.Get("From"), errNoAddress)
}

// isList tells the address of the list, which is listEmail or what the list says of itself.
func (m *Message) isList(email, listEmail string) bool {
	if listEmail != "" && strings.EqualFold(email, listEmail) {
		return true
	}
	return strings.EqualFold(email, m.listPost())
}

// IsList tells whether a raw From value names the list itself in the place of the sender, see Author.
func (m *Message) IsList(raw, listEmail string) bool {
	from, err := parseRawFrom(raw)
	return err == nil && m.isList(from.Email, listEmail)
}

// listPost is the address of List-Post, "" if there is none.
func (m *Message) listPost() string {
	_, post, ok := strings.Cut(m.Header.Raw("List-Post"), "<mailto:")
	if end := strings.IndexAny(post, ">?"); ok && end >= 0 {
		return post[:end]
	}
	return ""
}

// spelledInLocal undoes "Joe via Devel <joe=people.example@groups.example>", as groups.io writes it. Only the host of the list may: anybody else could pose as Joe.
func (m *Message) spelledInLocal(a Address, listEmail string) Address {
	local, host, _ := strings.Cut(a.Email, "@")
	i := strings.LastIndexByte(local, '=')
	if i <= 0 || strings.Contains(local, "+") || !strings.Contains(local[i:], ".") || !strings.Contains(a.Name, " via ") || !m.hostOfList(host, listEmail) {
		return a
	}
	if email := local[:i] + "@" + local[i+1:]; usable(email) {
		return Address{nameBeforeVia(a.Name), email}
	}
	return a
}

// hostOfList tells whether a list whose address is listEmail, or that of List-Post, or whose List-Id ends in host, is at home there.
func (m *Message) hostOfList(host, listEmail string) bool {
	for _, address := range [...]string{listEmail, m.listPost()} {
		if _, at, ok := strings.Cut(address, "@"); ok && strings.EqualFold(at, host) {
			return true
		}
	}
	ids := ListIDs(m.Header)
	return len(ids) > 0 && strings.HasSuffix(strings.ToLower(ids[0]), "."+strings.ToLower(host))
}

// relayed undoes "Joe via B4 Relay <devnull+joe.people.example@kernel.org>". Joe's address, which can't be told from this one alone, is in another header, and
// counts only if it is the one that is meant. No other host may: anybody could pose as Joe.
func (m *Message) relayed(a Address) Address {
	local, host, _ := strings.Cut(a.Email, "@")
	masked, ok := strings.CutPrefix(local, "devnull+")
	if !ok || !strings.EqualFold(host, "kernel.org") {
		return a
	}
	for _, header := range [...]string{"X-Original-From", "Reply-To"} {
		for _, raw := range m.Header.allRaw(header) {
			for _, real := range splitAddresses(raw) {
				if strings.EqualFold(strings.ReplaceAll(real.Email, "@", "."), masked) {
					return named(real, nameBeforeVia(a.Name))
				}
			}
		}
	}
	return a
}

// unmunge finds the person behind a mail that comes from the list itself, from the surest sign to the weakest; without any it is the list.
func (m *Message) unmunge(list Address) Address {
	name := nameBeforeVia(list.Name)
	for _, find := range [...]func(name, listEmail string) (Address, bool){m.originalFrom, m.namesake, m.inBodyFrom, m.onlyReplyTo, inName, m.authenticated} {
		if a, ok := find(name, list.Email); ok {
			return a
		}
	}
	return list
}

// nameBeforeVia undoes "Name via List", also with the name in single quotes.
func nameBeforeVia(name string) string {
	name = strings.TrimSuffix(name, " via")
	if i := strings.LastIndex(name, " via "); i >= 0 {
		name = name[:i]
	}
	return strings.Trim(strings.TrimSpace(name), "'")
}

// originalFrom reads the headers in which list software keeps the From it replaced. The name shown by the list is preferred, as the older
// system does.
func (m *Message) originalFrom(name, listEmail string) (Address, bool) {
	for _, header := range [...]string{"X-Original-From", "X-Mailman-Original-From", "X-Google-Original-From", "Author"} {
		for _, raw := range m.Header.allRaw(header) {
			a, err := parseRawFrom(raw)
			if err == nil && !strings.EqualFold(a.Email, listEmail) {
				return named(a, name), true
			}
		}
	}
	return Address{}, false
}

func named(a Address, name string) Address {
	if name != "" {
		a.Name = name
	}
	return a
}

// namesake looks among the people the mail would be answered to for the one with the name shown.
func (m *Message) namesake(name, listEmail string) (Address, bool) {
	if name == "" {
		return Address{}, false
	}
	for _, header := range [...]string{"Reply-To", "Cc"} {
		for _, raw := range m.Header.allRaw(header) {
			for _, a := range splitAddresses(raw) {
				if strings.Trim(a.Name, "'") == name && !strings.EqualFold(a.Email, listEmail) {
					return Address{name, a.Email}, true
				}
			}
		}
	}
	return Address{}, false
}

// inBodyFrom reads git's "From: A U Thor <a@b.example>" in the first line of the text.
func (m *Message) inBodyFrom(_, listEmail string) (Address, bool) {
	const enough = 4096 // bytes of text that hold the first line
	for i := range m.Parts {
		p := m.Parts[i]
		if p.Type != "text/plain" {
			continue
		}
		p.Body = p.Body[:min(len(p.Body), enough)]
		text, _ := p.Text()
		line, _, _ := strings.Cut(strings.TrimLeft(text, " \t\r\n"), "\n")
		value, ok := strings.CutPrefix(line, "From:")
		if !ok {
			return Address{}, false
		}
		a, err := parseRawFrom(value)
		return a, err == nil && !strings.EqualFold(a.Email, listEmail)
	}
	return Address{}, false
}

// onlyReplyTo takes the one person answers go to, whatever the name.
func (m *Message) onlyReplyTo(name, listEmail string) (Address, bool) {
	var only []Address
	for _, raw := range m.Header.allRaw("Reply-To") {
		for _, a := range splitAddresses(raw) {
			if !strings.EqualFold(a.Email, listEmail) {
				only = append(only, a)
			}
		}
	}
	if len(only) != 1 {
		return Address{}, false
	}
	if only[0].Name == "" {
		only[0].Name = name
	}
	return only[0], true
}

// inName reads the address of the person that the list shows in the place of his name.
func inName(name, listEmail string) (Address, bool) {
	if !strings.Contains(name, "@") {
		return Address{}, false
	}
	a, err := ParseFrom(name)
	return a, err == nil && !strings.EqualFold(a.Email, listEmail)
}

// authenticated is who sent the mail to the list, as Google Groups says, or logged in to send it, as his server says.
func (m *Message) authenticated(name, listEmail string) (Address, bool) {
	for _, header := range [...]string{"X-Original-Sender", "X-Authenticated-Sender"} {
		a, err := ParseFrom(m.Header.Get(header))
		if err == nil && !strings.EqualFold(a.Email, listEmail) {
			return named(a, name), true
		}
	}
	return Address{}, false
}
