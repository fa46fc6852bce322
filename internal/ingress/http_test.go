// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// httpSite takes mail over HTTP for the projects widgets and other.
type httpSite struct {
	t       *testing.T
	db      *sqldb.DB
	handler http.Handler
	log     bytes.Buffer
	secret  string // of widgets
	remote  string
}

func newHTTPSite(t *testing.T, db *sqldb.DB, change func(*ingress.HTTPOptions)) *httpSite {
	t.Helper()
	addFeedProject(t, db)
	name, list, email := "other", "other.lists.example.org", "other@lists.example.org"
	if _, err := project.Create(t.Context(), db, account.CLI, clock.System{}.Now(), project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email}); err != nil {
		t.Fatal(err)
	}
	opt := ingress.HTTPOptions{MailSize: 10_000, MailMemory: 1 << 20, Spool: ingress.NewSpool(t.TempDir(), 1<<30)}
	if change != nil {
		change(&opt)
	}
	s := &httpSite{t: t, db: db, remote: "192.0.2.1:99"}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	c := ingress.StartCollector(smallBatches(db), 0)
	t.Cleanup(func() { c.Stop(time.Minute) })
	mux := http.NewServeMux()
	ingress.NewHTTP(opt, db, clock.System{}, c, log).Routes(mux)
	s.handler = ingress.HideSecret(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Info("request", "address", r.RequestURI, "url", r.URL.String())
		mux.ServeHTTP(w, r)
	}))
	s.secret = s.newSecret("widgets", "test")
	return s
}

func (s *httpSite) newSecret(linkname, name string) string {
	s.t.Helper()
	secret, err := project.CreateIngressSecret(s.t.Context(), s.db, account.CLI, clock.System{}.Now(), linkname, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// post sends a body with the header lines that follow in pairs, and gives status and answer.
func (s *httpSite) post(path string, body []byte, header ...string) (*http.Response, string) {
	s.t.Helper()
	r := httptest.NewRequest("POST", path, bytes.NewReader(body))
	r.RemoteAddr = s.remote
	r.Header.Set("Authorization", "Bearer "+s.secret)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Result().Body)
	return w.Result(), strings.TrimSpace(string(text))
}

func (s *httpSite) want(status int, says, path string, body []byte, header ...string) {
	s.t.Helper()
	if got, text := s.post(path, body, header...); got.StatusCode != status || !strings.Contains(text, says) {
		s.t.Errorf("%s: %d %s, want %d %s", path, got.StatusCode, text, status, says)
	}
}

const became = `{"known":false,"outcome":"patch","reason":""}`

func TestHTTPRaw(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newHTTPSite(t, db, nil)
		first := []byte(patchMail(1, 1, 1))
		s.want(200, became, "/ingress/widgets/", first, "Content-Type", "message/rfc822")
		s.want(200, `{"known":true`, "/ingress/widgets/raw", bytes.ReplaceAll(first, []byte("\n"), []byte("\r\n")))
		s.want(200, became, "/ingress/widgets", []byte(patchMail(2, 1, 1)))
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("anybody:"+s.secret))
		s.want(200, became, "/ingress/widgets/raw", []byte(patchMail(3, 1, 1)), "Authorization", basic)
		s.want(200, became, "/ingress/widgets/raw?secret="+s.secret+"&x=1", []byte(patchMail(4, 1, 1)), "Authorization", "")
		if text := s.log.String(); strings.Contains(text, s.secret) || !strings.Contains(text, "x=1") {
			t.Errorf("the secret is in the log: %s", text)
		}
		other := s.newSecret("other", "test") // what the headers say does not count
		s.want(200, became, "/ingress/other/", first, "Authorization", "Bearer "+other)
		s.want(200, `"outcome":"ignored"`, "/ingress/widgets/", []byte("From: a@example.org\nSubject: x\nMessage-ID: <x@y>\n\nhello\n"))
		s.want(200, `"reason":"its sender can't be read: no From header"`, "/ingress/widgets/", []byte("Subject: x\n\nhello\n"))

		s.want(401, "this is no secret of the project \"other\"", "/ingress/other/", first)
		s.want(401, "this is no secret of the project \"gone\"", "/ingress/gone/", first)
		s.want(401, "Authorization: Bearer SECRET", "/ingress/widgets/", first, "Authorization", "")
		s.want(401, "no secret", "/ingress/widgets/", first, "Authorization", "Bearer "+s.secret[:len(s.secret)-1])
		s.want(404, "/ingress/widgets/{sendgrid,mailgun/mime,postmark,ses}", "/ingress/widgets/mailjet", first)
		s.want(400, "the request holds no mail", "/ingress/widgets/", nil)
		s.want(413, "larger than limits.mail-size (10000 bytes)", "/ingress/widgets/", []byte(letter("big@x", strings.Repeat("x", 10000))))
		if got, _ := s.post("/ingress/widgets/", first, "Authorization", "Bearer x"); got.Header.Get("WWW-Authenticate") == "" {
			t.Error("the 401 does not say how to authenticate")
		}
		if n := len(mailRows(t, db)); n != 6 {
			t.Errorf("%d mails", n)
		}
		if err := project.DeleteIngressSecret(t.Context(), db, account.CLI, clock.System{}.Now(), "widgets", "test"); err != nil {
			t.Error(err)
		}
		s.want(401, "no secret", "/ingress/widgets/", first)
	})
}

// Who tries secrets is slowed down, but not others, and not who knows one.
func TestHTTPThrottle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newHTTPSite(t, db, nil)
		for range 21 {
			s.want(401, "no secret", "/ingress/widgets/", nil, "Authorization", "Bearer guess")
		}
		got, text := s.post("/ingress/widgets/", nil, "Authorization", "Bearer guess")
		if got.StatusCode != 429 || got.Header.Get("Retry-After") != "10" || !strings.Contains(text, "too many failed attempts") {
			t.Errorf("%d %s %v", got.StatusCode, text, got.Header)
		}
		s.want(200, became, "/ingress/widgets/", []byte(patchMail(1, 1, 1)))
		s.remote = "192.0.2.2:99"
		s.want(401, "no secret", "/ingress/widgets/", nil, "Authorization", "Bearer guess")
	})
}

// Requests that together need more memory than there is are told to come again.
func TestHTTPMemory(t *testing.T) {
	s := newHTTPSite(t, dbtest.Open(t, sqldb.SQLite), func(o *ingress.HTTPOptions) { o.MailMemory = 20_000 })
	got, _ := s.post("/ingress/widgets/postmark", bytes.Repeat([]byte("x"), 15_000))
	if got.StatusCode != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	for i := range 5 { // it is given back
		s.want(200, became, "/ingress/widgets/", []byte(patchMail(i, 1, 1)))
	}
}

// multipartOf is a form of field names and values in turn.
func multipartOf(fields ...string) (kind string, body []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		w.WriteField(fields[i], fields[i+1])
	}
	w.Close()
	return w.FormDataContentType(), b.Bytes()
}

func TestHTTPSendGrid(t *testing.T) {
	s := newHTTPSite(t, dbtest.Open(t, sqldb.SQLite), nil)
	kind, body := multipartOf("headers", "x", "to", "widgets@lists.example.org", "email", strings.ReplaceAll(patchMail(1, 1, 1), "\n", "\r\n"), "spam_score", "0")
	s.want(200, became, "/ingress/widgets/sendgrid", body, "Content-Type", kind)
	if string(rawOf(t, s.db, "<s1-1@feed.example>")) != patchMail(1, 1, 1) {
		t.Error("the mail has other bytes")
	}
	s.want(400, "cut off", "/ingress/widgets/sendgrid", body[:len(body)/2], "Content-Type", kind)
	kind, body = multipartOf("text", "x", "html", "y")
	s.want(400, "switch \"POST the raw, full MIME message\" on", "/ingress/widgets/sendgrid", body, "Content-Type", kind)
	s.want(400, "the request is no form", "/ingress/widgets/sendgrid", []byte(patchMail(1, 1, 1)))
	kind, body = multipartOf("email", letter("big@x", strings.Repeat("x", 10000)))
	s.want(413, "larger than", "/ingress/widgets/sendgrid", body, "Content-Type", kind)
	many := make([]string, 2400)
	kind, body = multipartOf(many...)
	s.want(413, "larger than", "/ingress/widgets/sendgrid", append(body, make([]byte, 2<<20)...), "Content-Type", kind)
}

func TestHTTPMailgun(t *testing.T) {
	const key = "key-1234"
	s := newHTTPSite(t, dbtest.Open(t, sqldb.SQLite), func(o *ingress.HTTPOptions) { o.MailgunKey, o.MailSize = key, 100_000 })
	signed := func(mail string, at time.Time, with string) url.Values {
		stamp := fmt.Sprint(at.Unix())
		mac := hmac.New(sha256.New, []byte(with))
		mac.Write([]byte(stamp + "token5"))
		return url.Values{"body-mime": {mail}, "timestamp": {stamp}, "token": {"token5"}, "signature": {fmt.Sprintf("%x", mac.Sum(nil))}, "recipient": {"x"}}
	}
	post := func(status int, says string, form url.Values) {
		t.Helper()
		s.want(status, says, "/ingress/widgets/mailgun/mime", []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	post(200, became, signed(patchMail(1, 1, 1), time.Now(), key))
	form := signed(patchMail(2, 1, 1), time.Now(), key)
	kind, body := multipartOf("body-mime", form.Get("body-mime"), "timestamp", form.Get("timestamp"), "token", form.Get("token"), "signature", form.Get("signature"))
	s.want(200, became, "/ingress/widgets/mailgun/mime", body, "Content-Type", kind)
	post(401, "not that of ingress.mailgun-key", signed(patchMail(3, 1, 1), time.Now(), "other"))
	post(401, "not that of ingress.mailgun-key", signed(patchMail(3, 1, 1), time.Now().Add(-25*time.Hour), key))
	post(401, "not that of ingress.mailgun-key", url.Values{"body-mime": {patchMail(3, 1, 1)}})
	form = signed("", time.Now(), key)
	form.Del("body-mime")
	post(400, "must end in /mailgun/mime", form)
	if n := len(mailRows(t, s.db)); n != 2 {
		t.Errorf("%d mails", n)
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestHTTPPostmark(t *testing.T) {
	s := newHTTPSite(t, dbtest.Open(t, sqldb.SQLite), nil)
	s.want(200, became, "/ingress/widgets/postmark", asJSON(t, map[string]any{"FromName": "x", "RawEmail": patchMail(1, 1, 1), "Attachments": []string{}}))
	s.want(400, "switch \"Include raw email content in JSON payload\" on", "/ingress/widgets/postmark", asJSON(t, map[string]any{"TextBody": "x"}))
	s.want(400, "no JSON object", "/ingress/widgets/postmark", []byte(patchMail(1, 1, 1)))
}

func TestHTTPAmazonSES(t *testing.T) {
	s := newHTTPSite(t, dbtest.Open(t, sqldb.SQLite), nil)
	ses := func(content string) map[string]any {
		return map[string]any{"notificationType": "Received", "mail": map[string]any{"messageId": "x"}, "content": content}
	}
	sns := func(kind string, message any) []byte {
		return asJSON(t, map[string]any{"Type": kind, "TopicArn": "arn:aws:sns:eu-west-1:1:widgets", "Message": string(asJSON(t, message)),
			"SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"})
	}
	s.want(200, became, "/ingress/widgets/ses", sns("Notification", ses(patchMail(1, 1, 1))), "Content-Type", "text/plain; charset=UTF-8")
	s.want(200, became, "/ingress/widgets/ses", sns("Notification", ses(base64.StdEncoding.EncodeToString([]byte(patchMail(2, 1, 1))))))
	s.want(200, became, "/ingress/widgets/ses", asJSON(t, ses(patchMail(3, 1, 1)))) // raw message delivery
	s.want(200, `"outcome":"notice"`, "/ingress/widgets/ses", sns("Notification", map[string]any{"notificationType": "AMAZON_SES_SETUP_NOTIFICATION"}))
	s.want(400, "use the action SNS", "/ingress/widgets/ses", sns("Notification", ses("")))
	s.want(400, "neither a mail nor base64", "/ingress/widgets/ses", sns("Notification", ses("%%")))
	s.want(200, `"outcome":"notice"`, "/ingress/widgets/ses", sns("SubscriptionConfirmation", "x"))
	if !strings.Contains(s.log.String(), "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t") {
		t.Error("the log does not tell the administrator how to confirm")
	}
	for _, foreign := range []string{"https://evil.example/", "http://sns.amazonaws.com/", "https://sns.amazonaws.com.evil.example/", "https://a@sns.amazonaws.com/", ""} {
		s.want(400, "no address of Amazon's", "/ingress/widgets/ses", asJSON(t, map[string]any{"Type": "SubscriptionConfirmation", "SubscribeURL": foreign}))
	}
	if n := len(mailRows(t, s.db)); n != 3 {
		t.Errorf("%d mails", n)
	}
}

func TestIngressSecrets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newHTTPSite(t, db, nil)
		now := clock.System{}.Now()
		if _, err := project.CreateIngressSecret(t.Context(), db, account.CLI, now, "widgets", "test"); !fault.Is(err, fault.Conflict) {
			t.Errorf("the same name again: %v", err)
		}
		for _, bad := range []string{"", "a\nb", strings.Repeat("x", 101)} {
			if _, err := project.CreateIngressSecret(t.Context(), db, account.CLI, now, "widgets", bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if _, err := project.CreateIngressSecret(t.Context(), db, account.Actor{User: 1, Via: "web"}, now, "widgets", "x"); !fault.Is(err, fault.Denied) {
			t.Errorf("somebody: %v", err)
		}
		if err := project.DeleteIngressSecret(t.Context(), db, account.CLI, now, "widgets", "x"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no such secret: %v", err)
		}
		s.newSecret("other", "test")
		all, err := project.IngressSecrets(t.Context(), db, "")
		if err != nil || len(all) != 2 || all[0].Project != "other" || all[1].Project != "widgets" || all[1].Name != "test" || all[1].CreatedAt == 0 {
			t.Errorf("%v %+v", err, all)
		}
		var stored []byte
		if err := db.Get(t.Context(), &stored, "SELECT secret_hash FROM project_ingress_secret WHERE project_id = (SELECT id FROM project WHERE linkname = 'widgets')"); err != nil ||
			bytes.Contains(stored, []byte(s.secret)) || len(s.secret) != 48 {
			t.Errorf("%v, stored %x for %s", err, stored, s.secret)
		}
	})
}
