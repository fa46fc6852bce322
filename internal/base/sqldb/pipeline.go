// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// pipelining connects to PostgreSQL with connections that can send statements without waiting for the answers to those before.
type pipelining struct{ driver.Connector }

// Connect implements driver.Connector.
func (p pipelining) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &pipelinedConn{Conn: c.(*stdlib.Conn), known: map[string]*described{}}, nil
}

// pipelinedConn is a connection to PostgreSQL. In a transaction with Pipeline what only writes is sent without waiting, and its answer read with that of a statement that
// comes later; what was asked early is answered from memory. database/sql uses a connection from one goroutine at a time.
type pipelinedConn struct {
	*stdlib.Conn
	known   map[string]*described // by text
	names   int                   // given to them
	builder pgx.ExtendedQueryBuilder
	spoiled bool // what was prepared may be no more: the connection is not used again
	tx      piped
}

// described is a statement that was prepared for pipelines.
type described struct {
	*pgconn.StatementDescription
	formats []int16 // of the columns of its rows
}

// piped is a transaction on the way.
type piped struct {
	opens  bool             // BEGIN comes with the next statement
	pipes  bool             // see Tx.Pipeline
	heard  bool             // there was an answer, or may have been one to the commit
	pipe   *pgconn.Pipeline // once something went through it
	owed   []string         // what is said of errors of the statements whose answers were not read
	broken error            // ended the pipeline
	early  []*earlyRows
}

// statement is one that is sent.
type statement struct {
	text  string
	args  []any
	doing string // what is said of an error
}

const (
	maxOwed  = 64  // answers that nobody has read
	maxKnown = 800 // statements, which take memory here and in the server
)

// errStale says that a connection had died before the transaction.
var errStale = errors.New("the connection was lost before")

const (
	begin  = "BEGIN"
	commit = "COMMIT"
)

var errRolledBack = errors.New("the transaction was rolled back, because a statement in it had failed")

// start begins the pipeline, and the transaction.
func (c *pipelinedConn) start(ctx context.Context) error {
	if c.tx.broken != nil || c.tx.pipe != nil {
		return c.tx.broken
	}
	if c.Conn.Conn().IsClosed() {
		return fmt.Errorf("%w: %w", errStale, driver.ErrBadConn)
	}
	c.tx.pipe = c.Conn.Conn().PgConn().StartPipeline(ctx)
	if !c.tx.opens {
		return nil
	}
	c.tx.opens = false
	return c.put(statement{text: begin, doing: "begin"})
}

// hold sends a statement whose result nobody looks at.
func (c *pipelinedConn) hold(ctx context.Context, s statement) error {
	err := c.start(ctx)
	if err == nil {
		err = c.put(s)
	}
	switch {
	case err != nil:
	case len(c.tx.owed) >= maxOwed:
		err = c.await()
	default:
		err = c.tx.pipe.Flush()
	}
	return c.failed(err)
}

// put puts a statement into the pipeline.
func (c *pipelinedConn) put(s statement) error {
	d, err := c.describe(s.text)
	if err != nil {
		return explain(s.doing, err)
	}
	if err := c.builder.Build(c.Conn.Conn().TypeMap(), d.StatementDescription, s.args); err != nil {
		return explain(s.doing, err)
	}
	c.tx.pipe.SendQueryStatement(d.StatementDescription, c.builder.ParamValues, c.builder.ParamFormats, d.formats)
	c.tx.owed = append(c.tx.owed, s.doing)
	return nil
}

// describe prepares a statement the first time; then it reads all that is owed.
func (c *pipelinedConn) describe(text string) (*described, error) {
	if d := c.known[text]; d != nil {
		return d, nil
	}
	if len(c.known) >= maxKnown {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	if err := c.await(); err != nil { // an error of the others is not one of this
		return nil, err
	}
	c.names++
	name := fmt.Sprint("pw_", c.names)
	c.tx.pipe.SendPrepare(name, text, nil)
	if err := c.await(); err != nil {
		return nil, err
	}
	result, err := c.tx.pipe.GetResults()
	if err != nil {
		return nil, err
	}
	d := &described{StatementDescription: result.(*pgconn.StatementDescription)}
	d.Name, d.SQL = name, text
	for _, f := range d.Fields {
		d.formats = append(d.formats, c.Conn.Conn().TypeMap().FormatCodeForOID(f.DataTypeOID))
	}
	c.known[text] = d
	return d, nil
}

// forget lets the server forget all that was prepared.
func (c *pipelinedConn) forget() error {
	err := c.await()
	for _, d := range c.known {
		c.tx.pipe.SendDeallocate(d.Name)
	}
	if err == nil {
		err = c.await()
	}
	for range c.known {
		if err == nil {
			_, err = c.tx.pipe.GetResults()
		}
	}
	clear(c.known)
	return err
}

// await has the server answer, and reads what is owed.
func (c *pipelinedConn) await() error {
	c.tx.pipe.SendFlushRequest()
	if err := c.tx.pipe.Flush(); err != nil {
		return err
	}
	_, err := c.settle()
	return err
}

// settle reads the answers that are owed, and gives the tag of the last.
func (c *pipelinedConn) settle() (tag pgconn.CommandTag, err error) {
	owed := c.tx.owed
	c.tx.owed = owed[:0]
	for _, doing := range owed {
		result, err := c.result()
		if err == nil {
			tag, err = result.Close()
		}
		if err != nil {
			return tag, explain(doing, err)
		}
	}
	return tag, nil
}

func (c *pipelinedConn) result() (*pgconn.ResultReader, error) {
	result, err := c.tx.pipe.GetResults()
	if err != nil {
		return nil, err
	}
	c.tx.heard = true
	return result.(*pgconn.ResultReader), nil
}

func explain(doing string, err error) error {
	if doing == "" {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// ask sends statements, and reads all answers. Of the last it gives the tag.
func (c *pipelinedConn) ask(ctx context.Context, asked ...statement) (answers []*earlyRows, tag pgconn.CommandTag, err error) {
	if err = c.start(ctx); err == nil {
		answers, tag, err = c.answers(asked)
	}
	return answers, tag, c.failed(err)
}

func (c *pipelinedConn) answers(asked []statement) (answers []*earlyRows, tag pgconn.CommandTag, err error) {
	for _, s := range asked {
		if _, err = c.describe(s.text); err != nil {
			return nil, tag, err
		}
	}
	owed := len(c.tx.owed)
	for _, s := range asked {
		if err = c.put(s); err != nil {
			return nil, tag, err
		}
	}
	c.tx.owed = c.tx.owed[:owed] // what is asked is read here
	if err = c.await(); err != nil {
		return nil, tag, err
	}
	for _, s := range asked {
		a := &earlyRows{asked: s}
		if tag, err = a.read(c); err != nil {
			return nil, tag, err
		}
		answers = append(answers, a)
	}
	return answers, tag, nil
}

// failed ends the pipeline if there is an error.
func (c *pipelinedConn) failed(err error) error {
	if err == nil || c.tx.broken != nil {
		return err
	}
	c.leave()
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == "0A000" || refused.Code == "26000") { // the table is not what it was when the statement was prepared
		c.spoiled = true
	}
	if !c.tx.heard && c.Conn.Conn().IsClosed() {
		err = fmt.Errorf("%w: %w", errStale, err)
	}
	c.tx.broken = err
	return err
}

// leave ends the pipeline. What is in it is run, up to the first error, which was told before or is of a transaction that is lost.
func (c *pipelinedConn) leave() {
	if c.tx.pipe != nil {
		if !c.Conn.Conn().IsClosed() { // pgx closes what is lost in a goroutine of its own, and panics if both write
			c.tx.pipe.Sync()
		}
		c.tx.pipe.Close()
		c.tx.pipe, c.tx.owed = nil, nil
	}
}

// commit ends the transaction.
func (c *pipelinedConn) commit(ctx context.Context) error {
	switch {
	case c.tx.broken != nil:
		return c.tx.broken
	case c.tx.opens: // there was nothing in it
		return nil
	case c.tx.pipe == nil:
		tag, err := c.Conn.Conn().Exec(ctx, commit)
		return committed(tag, err)
	}
	c.tx.heard = true // who hears nothing now does not know whether it was committed
	err := c.put(statement{text: commit})
	if err == nil {
		err = c.tx.pipe.Sync()
	}
	if err == nil {
		var tag pgconn.CommandTag
		tag, err = c.settle()
		err = committed(tag, err)
	}
	if err == nil {
		err = c.tx.pipe.Close()
		c.tx.pipe = nil
	}
	return c.failed(err)
}

func committed(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.String() != commit { // PostgreSQL does not call it an error
		return errRolledBack
	}
	return err
}

// open has BEGIN sent before a statement that goes by itself.
func (c *pipelinedConn) open(ctx context.Context) error {
	if !c.tx.opens {
		return nil
	}
	c.tx.opens = false
	if _, err := c.Conn.ExecContext(ctx, begin, nil); err != nil {
		if errors.Is(err, driver.ErrBadConn) {
			err = fmt.Errorf("%w: %w", errStale, err)
		}
		c.tx.broken = err
		return err
	}
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *pipelinedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.tx.pipes {
		_, tag, err := c.ask(ctx, statement{text: query, args: valuesOf(args)})
		return driver.RowsAffected(tag.RowsAffected()), err
	}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, query, args)
}

// QueryContext implements driver.QueryerContext.
func (c *pipelinedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !c.tx.pipes {
		if err := c.open(ctx); err != nil {
			return nil, err
		}
		return c.Conn.QueryContext(ctx, query, args)
	}
	s := statement{text: query, args: valuesOf(args)}
	for i, a := range c.tx.early {
		if a.asked.text == s.text && reflect.DeepEqual(a.asked.args, s.args) {
			c.tx.early = append(c.tx.early[:i:i], c.tx.early[i+1:]...)
			return a, nil
		}
	}
	answers, _, err := c.ask(ctx, s)
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// ResetSession implements driver.SessionResetter.
func (c *pipelinedConn) ResetSession(ctx context.Context) error {
	if c.spoiled || hungUp(c.Conn.Conn().PgConn().Conn()) {
		return driver.ErrBadConn
	}
	c.tx = piped{}
	return c.Conn.ResetSession(ctx)
}

func valuesOf(args []driver.NamedValue) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a.Value
	}
	return out
}
