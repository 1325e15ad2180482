package google

import "fmt"

// flowLog says which of a subnetwork's flows are logged; SubnetworkLogConfig of
// the vendor's description has the defaults and what may be said when.
type flowLog struct {
	Enable              bool     `json:"enable"`
	AggregationInterval string   `json:"aggregationInterval,omitempty"`
	FilterExpr          string   `json:"filterExpr,omitempty"`
	FlowSampling        *float64 `json:"flowSampling,omitempty"`
	Metadata            string   `json:"metadata,omitempty"`
	MetadataFields      []string `json:"metadataFields,omitempty"`
}

// completed checks what a request says and adds the defaults.
func (l flowLog) completed() (*flowLog, error) {
	const field = "resource.logConfig."
	if !l.Enable {
		if l.AggregationInterval+l.FilterExpr+l.Metadata != "" || l.FlowSampling != nil || len(l.MetadataFields) > 0 {
			return nil, invalid(field+"enable", "false", "Logging options can only be specified if flow logging is enabled.")
		}
		return &l, nil
	}
	if err := oneOf(field+"aggregationInterval", l.AggregationInterval, "INTERVAL_5_SEC", "INTERVAL_30_SEC", "INTERVAL_1_MIN", "INTERVAL_5_MIN",
		"INTERVAL_10_MIN", "INTERVAL_15_MIN"); err != nil {
		return nil, err
	}
	if err := oneOf(field+"metadata", l.Metadata, "EXCLUDE_ALL_METADATA", "INCLUDE_ALL_METADATA", "CUSTOM_METADATA"); err != nil {
		return nil, err
	}
	if s := l.FlowSampling; s != nil && (*s < 0 || *s > 1) {
		return nil, invalid(field+"flowSampling", fmt.Sprint(*s), "Must be between 0 and 1.")
	}
	if len(l.MetadataFields) > 0 && l.Metadata != "CUSTOM_METADATA" {
		return nil, invalid(field+"metadataFields", l.MetadataFields[0], "Metadata fields can only be specified with CUSTOM_METADATA.")
	}
	if l.AggregationInterval == "" {
		l.AggregationInterval = "INTERVAL_5_SEC"
	}
	if l.Metadata == "" {
		l.Metadata = "EXCLUDE_ALL_METADATA"
	}
	if l.FlowSampling == nil {
		l.FlowSampling = ptr(0.5)
	}
	return &l, nil
}

// applyLogs sets what a request says of flow logs: enableFlowLogs is the older
// way to say logConfig.enable.
func (in *subnetworkBody) applyLogs(s *Subnetwork) (err error) {
	asked := in.LogConfig
	if asked == nil {
		if in.EnableFlowLogs == nil {
			return nil
		}
		asked = &flowLog{Enable: *in.EnableFlowLogs}
	}
	s.FlowLog, err = asked.completed()
	return err
}
