package provider

import (
	"context"
	"log/slog"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

// newLogger gives drivers a logger whose lines are Terraform's provider log: the
// one place to which a provider can write while an operation is under way.
func newLogger() *slog.Logger { return slog.New(logHandler{}) }

// logHandler is a slog.Handler over tflog.
type logHandler struct{ fields []slog.Attr }

// Enabled implements slog.Handler: tflog decides.
func (logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, record slog.Record) error {
	fields := make(map[string]any, len(h.fields)+record.NumAttrs())
	add := func(attr slog.Attr) bool {
		fields[attr.Key] = attr.Value.Resolve().String()
		return true
	}
	for _, attr := range h.fields {
		add(attr)
	}
	record.Attrs(add)
	switch {
	case record.Level >= slog.LevelError:
		tflog.Error(ctx, record.Message, fields)
	case record.Level >= slog.LevelWarn:
		tflog.Warn(ctx, record.Message, fields)
	case record.Level >= slog.LevelInfo:
		tflog.Info(ctx, record.Message, fields)
	default:
		tflog.Debug(ctx, record.Message, fields)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{fields: append(h.fields[:len(h.fields):len(h.fields)], attrs...)}
}

// WithGroup implements slog.Handler: tflog has no groups.
func (h logHandler) WithGroup(string) slog.Handler { return h }
