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
	for _, value := range m.Header.All("From") {
		if from, err := ParseFrom(value); err == nil {
			if m.isList(from.Email, listEmail) {
				from = m.unmunge(from)
			}
			return spelledInLocal(from), nil
		}
	}
	return Address{}, fmt.Errorf("read From %.200q: %w", m.Header.Get("From"), errNoAddress)
}

// isList tells the address of the list, which is listEmail or what the list says of itself.
func (m *Message) isList(email, listEmail string) bool {
	if listEmail != "" && strings.EqualFold(email, listEmail) {
		return true
	}
	post := m.Header.Raw("List-Post")
	at := strings.Index(post, "<mailto:")
	if at < 0 {
		return false
	}
	post = post[at+len("<mailto:"):]
	end := strings.IndexAny(post, ">?")
	return end >= 0 && strings.EqualFold(email, post[:end])
}

// spelledInLocal undoes "Joe via Devel <joe=people.example@groups.example>", as groups.io writes it.
func spelledInLocal(a Address) Address {
	local, _, _ := strings.Cut(a.Email, "@")
	i := strings.LastIndexByte(local, '=')
	if i <= 0 || strings.Contains(local, "+") || !strings.Contains(local[i:], ".") || !strings.Contains(a.Name, " via ") {
		return a
	}
	if email := local[:i] + "@" + local[i+1:]; usable(email) {
		return Address{nameBeforeVia(a.Name), email}
	}
	return a
}

// unmunge finds the person behind a mail that comes from the list itself, from the surest sign to the weakest; without any it is the list.
func (m *Message) unmunge(list Address) Address {
	name := nameBeforeVia(list.Name)
	for _, find := range [...]func(name, listEmail string) (Address, bool){m.originalFrom, m.namesake, m.inBodyFrom, m.onlyReplyTo, m.authenticated} {
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
		for _, value := range m.Header.All(header) {
			a, err := ParseFrom(value)
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
		a, err := ParseFrom(Decode(value))
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

// authenticated is who logged in to send the mail, as his server says.
func (m *Message) authenticated(name, listEmail string) (Address, bool) {
	a, err := ParseFrom(m.Header.Get("X-Authenticated-Sender"))
	return named(a, name), err == nil && !strings.EqualFold(a.Email, listEmail)
}
