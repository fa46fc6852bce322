// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
)

// posted is what a request holds: a mail, or only a notice, which is answered as taken.
type posted struct {
	raw    []byte
	notice string
}

// form is a way services wrap a mail that they received.
type form struct {
	overhead int64 // how many times larger than the mail a request may be
	mail     func(h *HTTP, header http.Header, body []byte) (posted, error)
}

// forms are those we know, by the end of the address.
var forms = map[string]form{
	"":             {1, plainForm},
	"raw":          {1, plainForm},
	"sendgrid":     {2, sendgridForm},
	"mailgun/mime": {3, mailgunForm}, // percent-encoded
	"postmark":     {2, postmarkForm},
	"ses":          {3, sesForm}, // JSON in JSON
}

func plainForm(_ *HTTP, _ http.Header, body []byte) (posted, error) { return posted{raw: body}, nil }

// sendgridForm reads SendGrid's Inbound Parse with "POST the raw, full MIME message": the field email of a multipart form.
func sendgridForm(_ *HTTP, header http.Header, body []byte) (posted, error) {
	fields, err := formFields(header, body, "email")
	if err != nil {
		return posted{}, err
	}
	if fields["email"] == nil {
		return posted{}, fault.New(fault.Invalid, "there is no field email: switch \"POST the raw, full MIME message\" on")
	}
	return posted{raw: fields["email"]}, nil
}

// signatureLife is how old what Mailgun signed may be; it tries for 8 hours.
const signatureLife = 24 * time.Hour

// mailgunForm reads what a route of Mailgun forwards to an address that ends in "mime": the field body-mime, signed by timestamp, token and signature.
func mailgunForm(h *HTTP, header http.Header, body []byte) (posted, error) {
	f, err := formFields(header, body, "body-mime", "timestamp", "token", "signature")
	if err != nil {
		return posted{}, err
	}
	if h.opt.MailgunKey != "" && !signedByMailgun(h.opt.MailgunKey, h.clock.Now(), f) {
		return posted{}, fault.New(fault.Unauthenticated, "the signature is not that of ingress.mailgun-key, or is older than a day")
	}
	if f["body-mime"] == nil {
		return posted{}, fault.New(fault.Invalid, "there is no field body-mime: the address that the route forwards to must end in /mailgun/mime")
	}
	return posted{raw: f["body-mime"]}, nil
}

func signedByMailgun(key string, now clock.Time, f map[string][]byte) bool {
	seconds, err := strconv.ParseInt(string(f["timestamp"]), 10, 64)
	if err != nil {
		return false
	}
	age := now.Time().Sub(time.Unix(seconds, 0))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(f["timestamp"])
	mac.Write(f["token"])
	want := hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(want), f["signature"]) && age < signatureLife && age > -signatureLife
}

// postmarkForm reads Postmark's inbound webhook with "Include raw email content in JSON payload".
func postmarkForm(_ *HTTP, _ http.Header, body []byte) (posted, error) {
	var in struct{ RawEmail string }
	if err := json.Unmarshal(body, &in); err != nil {
		return posted{}, fault.New(fault.Invalid, "the request is no JSON object")
	}
	if in.RawEmail == "" {
		return posted{}, fault.New(fault.Invalid, "there is no RawEmail: switch \"Include raw email content in JSON payload\" on")
	}
	return posted{raw: []byte(in.RawEmail)}, nil
}

// sesForm reads what Amazon SES publishes by the action SNS, and SNS posts: a notification whose message is SES's, or that message alone (raw delivery).
func sesForm(h *HTTP, _ http.Header, body []byte) (posted, error) {
	var sns struct{ Type, Message, SubscribeURL, TopicArn string }
	if err := json.Unmarshal(body, &sns); err != nil {
		return posted{}, fault.New(fault.Invalid, "the request is no JSON object")
	}
	switch sns.Type {
	case "SubscriptionConfirmation":
		return h.confirmSES(sns.TopicArn, sns.SubscribeURL)
	case "UnsubscribeConfirmation":
		return posted{notice: "unsubscribed"}, nil
	case "Notification":
		body = []byte(sns.Message)
	}
	return sesMail(body)
}

// confirmSES tells the administrator what to open. It is not opened here: the address comes from outside.
func (h *HTTP) confirmSES(topic, address string) (posted, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || !strings.HasSuffix(u.Hostname(), ".amazonaws.com") && !strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn") {
		return posted{}, fault.New(fault.Invalid, "the SubscribeURL is no address of Amazon's")
	}
	h.log.Warn("Amazon SNS asks to confirm a subscription; if it is yours, open the address", "topic", topic, "address", u.String())
	return posted{notice: "the administrator finds the address that confirms the subscription in the log"}, nil
}

func sesMail(message []byte) (posted, error) {
	var in struct {
		NotificationType string `json:"notificationType"`
		Content          string `json:"content"`
	}
	err := json.Unmarshal(message, &in)
	switch {
	case err != nil:
		return posted{}, fault.New(fault.Invalid, "the message is none of Amazon SES")
	case in.NotificationType == "AMAZON_SES_SETUP_NOTIFICATION":
		return posted{notice: "Amazon SES is set up"}, nil
	case in.Content == "":
		return posted{}, fault.New(fault.Invalid, "the notification holds no mail: use the action SNS, not that of another one")
	case strings.Contains(in.Content, ":"): // every mail has a colon, base64 never
		return posted{raw: []byte(in.Content)}, nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(in.Content), ""))
	if err != nil {
		return posted{}, fault.New(fault.Invalid, "the content is neither a mail nor base64")
	}
	return posted{raw: raw}, nil
}

// formFields gives the wanted fields of a form; one that is missing is nil.
func formFields(header http.Header, body []byte, wanted ...string) (map[string][]byte, error) {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data" && params["boundary"] != "":
		return multipartFields(body, params["boundary"], wanted)
	case err == nil && kind == "application/x-www-form-urlencoded":
		return encodedFields(body, wanted)
	}
	return nil, fault.New(fault.Invalid, "the request is no form: want multipart/form-data or application/x-www-form-urlencoded")
}

// maxParts bounds the parts of a form: a service sends a few dozen fields.
const maxParts = 1000

func multipartFields(body []byte, boundary string, wanted []string) (map[string][]byte, error) {
	out := map[string][]byte{}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxParts {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "the form can't be read, or is cut off")
		}
		name := part.FormName()
		for _, w := range wanted {
			if name == w && out[w] == nil {
				if out[w], err = io.ReadAll(part); err != nil {
					return nil, fault.New(fault.Invalid, "the field %s is cut off", w)
				}
			}
		}
	}
	return nil, fault.New(fault.Invalid, "the form has more than %d fields", maxParts)
}

func encodedFields(body []byte, wanted []string) (map[string][]byte, error) {
	out := map[string][]byte{}
	n := 0
	for pair := range strings.SplitSeq(string(body), "&") {
		if n++; n > maxParts {
			return nil, fault.New(fault.Invalid, "the form has more than %d fields", maxParts)
		}
		name, value, _ := strings.Cut(pair, "=")
		for _, w := range wanted {
			if name != w || out[w] != nil {
				continue
			}
			text, err := url.QueryUnescape(value)
			if err != nil {
				return nil, fault.New(fault.Invalid, "the field %s can't be read", w)
			}
			out[w] = []byte(text)
		}
	}
	return out, nil
}

// plainLines gives a mail whose lines end as on the wire, CRLF, the line ends of the machine, as SMTP does: the same mail is the same bytes then. One whose
// first line ends with LF is left alone; a CR in it belongs to a file.
func plainLines(raw []byte) []byte {
	if i := bytes.IndexByte(raw, '\n'); i <= 0 || raw[i-1] != '\r' {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
}
