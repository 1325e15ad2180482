package simcloud

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// ControlHandler serves the control API under /_sim/, in JSON:
//
//	GET    /_sim/requests           counts by method and path template; ?cloud=google, s3, gcs, hetzner
//	POST   /_sim/requests/reset     start counting anew
//	GET    /_sim/faults             the armed faults
//	POST   /_sim/faults             arm one; answers its id
//	DELETE /_sim/faults[/{id}]      disarm one, or all
//	GET    /_sim/clock              the simulated time and its speed
//	POST   /_sim/clock              {"speed": n, "advance_seconds": n}
//	GET    /_sim/objects?kind=k     stored records, or counts of all kinds
//	GET    /_sim/machines           the real machines, where there are any
//	POST   /_sim/machines/{key}/off  a guest switches itself off; a key is hetzner/4711 or google/4711
//	POST   /_sim/actions/release    lets stuck actions go on
//	POST   /_sim/limits             {"rate_limit": n, "google_rate_limit": n, "s3_rate_limit": n, "remaining": n}
//
// It has no authentication: serve it on loopback only.
func (s *Sim) ControlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/requests", func(w http.ResponseWriter, r *http.Request) {
		if cloud := r.URL.Query().Get("cloud"); cloud != "" {
			reply(w, 200, s.RequestsOf(cloud))
			return
		}
		reply(w, 200, s.Requests())
	})
	mux.HandleFunc("POST /_sim/requests/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetRequests()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, map[string]any{"faults": s.Faults()})
	})
	mux.HandleFunc("POST /_sim/faults", s.postFault)
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /_sim/faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil || !s.RemoveFault(id) {
			refuse(w, http.StatusNotFound, "there is no such fault")
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_sim/actions/release", func(w http.ResponseWriter, _ *http.Request) {
		released, err := s.ReleaseStuck()
		if err != nil {
			refuse(w, http.StatusInternalServerError, err.Error())
			return
		}
		reply(w, 200, map[string]any{"released": released})
	})
	mux.HandleFunc("GET /_sim/clock", func(w http.ResponseWriter, _ *http.Request) { s.replyClock(w) })
	mux.HandleFunc("POST /_sim/clock", s.postClock)
	mux.HandleFunc("GET /_sim/objects", s.getObjects)
	mux.HandleFunc("GET /_sim/machines", func(w http.ResponseWriter, _ *http.Request) {
		states := []MachineState{}
		if m := s.machines.Load(); m != nil {
			states = m.States()
		}
		reply(w, 200, map[string]any{"machines": states})
	})
	mux.HandleFunc("POST /_sim/machines/{cloud}/{id}/off", func(w http.ResponseWriter, r *http.Request) {
		if err := s.SwitchOff(r.PathValue("cloud") + "/" + r.PathValue("id")); err != nil {
			refuse(w, http.StatusNotFound, err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_sim/limits", s.postLimits)
	return mux
}

func (s *Sim) postFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !read(w, r, &f) {
		return
	}
	id, err := s.AddFault(f)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	reply(w, http.StatusCreated, map[string]any{"id": id})
}

func (s *Sim) postClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Speed          *float64 `json:"speed"`
		AdvanceSeconds float64  `json:"advance_seconds"`
	}
	if !read(w, r, &in) {
		return
	}
	if in.AdvanceSeconds < 0 || (in.Speed != nil && *in.Speed < 0) {
		refuse(w, http.StatusUnprocessableEntity, "the clock never goes back")
		return
	}
	if in.Speed != nil {
		s.Clock().SetSpeed(*in.Speed)
	}
	s.Clock().Advance(time.Duration(in.AdvanceSeconds * float64(time.Second)))
	s.replyClock(w)
}

func (s *Sim) replyClock(w http.ResponseWriter) {
	reply(w, 200, map[string]any{"now": s.Clock().Now(), "speed": s.Clock().Speed()})
}

func (s *Sim) getObjects(w http.ResponseWriter, r *http.Request) {
	if kind := r.URL.Query().Get("kind"); kind != "" {
		rows := s.Objects(kind)
		if rows == nil {
			refuse(w, http.StatusNotFound, "there is no such kind")
			return
		}
		reply(w, 200, map[string]any{kind: rows})
		return
	}
	counts := map[string]int{}
	for _, k := range s.Kinds() {
		counts[k] = len(s.Objects(k))
	}
	reply(w, 200, map[string]any{"counts": counts})
}

func (s *Sim) postLimits(w http.ResponseWriter, r *http.Request) {
	var in struct {
		RateLimit       *int `json:"rate_limit"`
		GoogleRateLimit *int `json:"google_rate_limit"`
		S3RateLimit     *int `json:"s3_rate_limit"`
		Remaining       *int `json:"remaining"`
	}
	if !read(w, r, &in) {
		return
	}
	if in.RateLimit != nil {
		s.SetRateLimit(*in.RateLimit)
	}
	if in.GoogleRateLimit != nil {
		s.SetGoogleRateLimit(*in.GoogleRateLimit)
	}
	if in.S3RateLimit != nil {
		s.SetS3RateLimit(*in.S3RateLimit)
	}
	if in.Remaining != nil {
		s.FillQuota(*in.Remaining)
	}
	w.WriteHeader(http.StatusNoContent)
}

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"error": message})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
