// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/job"
)

// meters count what this process does. Their names are part of what users rely on: docs/manual/monitoring.md.
type meters struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	requestTime *prometheus.HistogramVec
	mails       *prometheus.CounterVec
	batchSize   prometheus.Histogram
	batchTime   prometheus.Histogram
	batchFailed prometheus.Counter
	attempts    *prometheus.CounterVec
	attemptTime *prometheus.HistogramVec
}

// meters are made when they are first needed.
func (a *App) meters() *meters {
	a.metersOnce.Do(func() { a.metersMade = newMeters(a) })
	return a.metersMade
}

func newMeters(a *App) *meters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	times := prometheus.ExponentialBuckets(0.001, 2.5, 11) // 1 ms … 9.5 s
	m := &meters{
		registry:    prometheus.NewRegistry(),
		requests:    counter("pw_http_requests_total", "HTTP requests answered.", "route", "status"),
		requestTime: histogram("pw_http_request_seconds", "Time to answer an HTTP request.", times, "route"),
		mails:       counter("pw_mails_total", "Mails taken in, by what became of them.", "outcome"),
		batchSize: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pw_mail_batch_mails", Help: "Mails stored in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		batchTime:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pw_mail_batch_seconds", Help: "Time to store a batch of mails.", Buckets: times}),
		batchFailed: prometheus.NewCounter(prometheus.CounterOpts{Name: "pw_mail_batch_failures_total", Help: "Batches refused, to be sent again, because the database failed."}),
		attempts:    counter("pw_job_attempts_total", "Attempts at jobs and periodic work that ended, by the state after them.", "kind", "outcome"),
		attemptTime: histogram("pw_job_attempt_seconds", "Time of an attempt.", prometheus.ExponentialBuckets(0.005, 3, 11), "kind"), // 5 ms … 295 s
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests, m.requestTime, m.mails,
		m.batchSize, m.batchTime, m.batchFailed, m.attempts, m.attemptTime, queueCollector{a})
	return m
}

func (m *meters) request(route string, status int, took time.Duration) {
	route = cmp.Or(route, "none")
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.requestTime.WithLabelValues(route).Observe(took.Seconds())
}

func (m *meters) batch(b ingress.Batch) {
	m.batchTime.Observe(b.Took.Seconds())
	if b.Err != nil {
		m.batchFailed.Inc()
		return
	}
	m.batchSize.Observe(float64(len(b.Outcomes)))
	for _, o := range b.Outcomes {
		m.mails.WithLabelValues(o.Kind).Inc()
	}
}

func (m *meters) attempt(kind, outcome string, took time.Duration) {
	m.attempts.WithLabelValues(kind, outcome).Inc()
	m.attemptTime.WithLabelValues(kind).Observe(took.Seconds())
}

// queueCollector asks the database about the queue when somebody measures.
type queueCollector struct{ app *App }

var (
	jobsDesc    = prometheus.NewDesc("pw_jobs", "Jobs that are not finished, and dead ones.", []string{"kind", "state"}, nil)
	oldestDesc  = prometheus.NewDesc("pw_job_oldest_due_seconds", "How long the oldest job that could run has been due.", nil, nil)
	workersDesc = prometheus.NewDesc("pw_workers", "Processes that run jobs.", nil, nil)
	behindDesc  = prometheus.NewDesc("pw_events_behind", "Events a reader has not read yet.", []string{"reader"}, nil)
	upDesc      = prometheus.NewDesc("pw_database_up", "1 if the database answered this measurement.", nil, nil)
)

// Describe implements prometheus.Collector.
func (queueCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{jobsDesc, oldestDesc, workersDesc, behindDesc, upDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector. What fails is left out; pw_database_up says so.
func (c queueCollector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	up := 1.0
	if err := c.collect(ctx, to); err != nil {
		up = 0
		c.app.Log.Warn("can't measure the queue", "err", err)
	}
	to <- gauge(upDesc, up)
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (c queueCollector) collect(ctx context.Context, to chan<- prometheus.Metric) error {
	pulse, err := job.TakePulse(ctx, c.app.DB, c.app.Clock.Now())
	if err != nil {
		return err
	}
	to <- gauge(oldestDesc, pulse.Oldest.Seconds())
	to <- gauge(workersDesc, float64(pulse.Alive))
	counts, err := job.Counts(ctx, c.app.DB)
	if err != nil {
		return err
	}
	for _, n := range counts {
		to <- gauge(jobsDesc, float64(n.Jobs), n.Kind, n.State)
	}
	lags, err := event.Lags(ctx, c.app.DB)
	if err != nil {
		return err
	}
	for _, l := range lags {
		to <- gauge(behindDesc, float64(max(0, l.Behind)), l.Name)
	}
	return nil
}

// MetricsHandler is what metrics.listen serves.
func (a *App) MetricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.meters().registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: 4, Timeout: 20 * time.Second}))
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", a.readyz)
	return mux
}

func healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// ServeMetrics answers at metrics.listen until ctx ends; it returns nil at once if that is empty.
func (a *App) ServeMetrics(ctx context.Context) error {
	address := a.Config.Metrics.Listen
	if address == "" {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "metrics.listen")
	}
	server := &http.Server{Handler: a.MetricsHandler(), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn)}
	a.Log.Info("measurements are up", "address", "http://"+listener.Addr().String()+"/metrics")
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(fault.Unavailable, err, "serve measurements")
	}
	return nil
}
