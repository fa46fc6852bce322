// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// prompter asks for lines on a terminal, or takes them from a pipe without asking. All questions share its one buffer: a second
// reader on the same input would find that the first has swallowed the following lines.
type prompter struct {
	in   *bufio.Reader
	out  io.Writer
	term int // file descriptor of the terminal, or -1
}

var errInterrupted = errors.New("interrupted")

// asker gives the prompter of this run. Questions go to standard error, so that standard output can be redirected.
func (c *cli) asker() *prompter {
	if c.prompt == nil {
		c.prompt = &prompter{in: bufio.NewReader(c.in), out: c.err, term: -1}
		if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			c.prompt.term = int(f.Fd())
		}
	}
	return c.prompt
}

// line asks and reads one line. An empty line, and the end of the input, mean byDefault.
func (p *prompter) line(question, byDefault string) (string, error) {
	if p.term >= 0 {
		signal.Reset(os.Interrupt) // cli.run's context can't end a read from the terminal
		if byDefault != "" {
			question += " [" + byDefault + "]"
		}
		fmt.Fprint(p.out, question+": ")
	}
	s, err := p.in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	if s = strings.TrimSpace(s); s == "" {
		return byDefault, nil
	}
	return s, nil
}

// accepted asks until check accepts the answer; without a terminal a refused answer is the error.
func (p *prompter) accepted(question, byDefault string, check func(string) error) (string, error) {
	for {
		s, err := p.line(question, byDefault)
		if err != nil {
			return "", err
		}
		bad := check(s)
		if bad == nil {
			return s, nil
		}
		if p.term < 0 {
			return "", bad
		}
		fmt.Fprintln(p.out, bad)
	}
}

// password asks without showing what is typed. Blanks at its ends belong to it.
func (p *prompter) password(question string) (string, error) {
	if p.term < 0 {
		s, err := p.in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(s, "\r\n"), nil
	}
	// Not term.ReadPassword: it reads past the shared buffer, and an interrupt would leave the terminal without echo.
	state, err := term.MakeRaw(p.term)
	if err != nil {
		return "", fmt.Errorf("switch the echo off: %w", err)
	}
	fmt.Fprint(p.out, question+" (not shown): ") // not before: who types ahead would be seen
	s, err := readHidden(p.in)
	if restored := term.Restore(p.term, state); restored != nil && err == nil {
		err = fmt.Errorf("switch the echo on: %w", restored)
	}
	fmt.Fprintln(p.out)
	return s, err
}

// readHidden reads a line from a terminal in raw mode, where the keys of the line editor arrive as bytes.
func readHidden(in io.ByteReader) (string, error) {
	const ctrlC, ctrlD, backspace, ctrlU, del = 3, 4, 8, 21, 127
	var line []byte
	for {
		b, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			return string(line), nil
		}
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		switch b {
		case '\r', '\n', ctrlD:
			return string(line), nil
		case ctrlC:
			return "", errInterrupted
		case ctrlU:
			line = line[:0]
		case backspace, del:
			_, size := utf8.DecodeLastRune(line)
			line = line[:len(line)-size]
		default:
			line = append(line, b)
		}
	}
}
