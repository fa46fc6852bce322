// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// value is a flag that leaves its target nil unless it is given.
type value[T any] struct {
	target **T
	kind   string // for the help
	parse  func(string) (T, error)
}

// String is the text of what was given.
func (v value[T]) String() string {
	if v.target == nil || *v.target == nil {
		return ""
	}
	return fmt.Sprint(**v.target)
}

// Type is what the help shows for the value.
func (v value[T]) Type() string { return v.kind }

// Set takes the flag's value.
func (v value[T]) Set(s string) error {
	parsed, err := v.parse(s)
	if err == nil {
		*v.target = &parsed
	}
	return err
}

// columnFlags declares flags that set columns, listed in the order they are declared in.
type columnFlags struct{ *pflag.FlagSet }

func flagsOf(flags *pflag.FlagSet) columnFlags {
	flags.SortFlags = false
	return columnFlags{flags}
}

func (f columnFlags) text(to **string, name, short, usage string) {
	f.VarP(value[string]{to, "text", func(s string) (string, error) { return s, nil }}, name, short, usage)
}

func (f columnFlags) number(to **int, name, usage string) {
	parse := func(s string) (int, error) {
		n, err := strconv.ParseInt(s, 10, 32) // as wide as the columns
		if err != nil {
			return 0, errors.New("want a whole number")
		}
		return int(n), nil
	}
	f.Var(value[int]{to, "number", parse}, name, usage)
}

// onOff declares --name and --no-name, of which the last one counts.
func (f columnFlags) onOff(to **bool, name, usage string) {
	declare := func(name, usage string, means bool) *pflag.Flag {
		parse := func(s string) (bool, error) {
			given, err := strconv.ParseBool(s)
			if err != nil {
				return false, errors.New("want true or false")
			}
			return given == means, nil
		}
		flag := f.VarPF(value[bool]{to, "bool", parse}, name, "", usage)
		flag.NoOptDefVal = "true"
		return flag
	}
	declare(name, usage+"; or --no-"+name, true)
	declare("no-"+name, "the reverse of --"+name, false).Hidden = true
}

// columnNames lets flags be written as the columns are called in the database and the API, too.
func columnNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "listid":
		name = "list-id"
	case "listemail":
		name = "list-email"
	case "link-name":
		name = "linkname"
	}
	return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
}
