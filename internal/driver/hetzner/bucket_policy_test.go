package hetzner

import (
	"encoding/json"
	"testing"
)

// A statement that lets everybody in is found under any name, before this
// driver's own of that name and behind it; and so is one that is not what its
// name says.
func TestStatementsUnderOwnNames(t *testing.T) {
	const bucket = "acme-eu-backups-fsn1"
	own, err := repairedPolicy(bucket, "")
	if err != nil {
		t.Fatal(err)
	}
	statements, ok := statementsOf(own)
	if !ok || judgePolicy(bucket, own).others != nil || !judgePolicy(bucket, own).tls || !judgePolicy(bucket, own).private {
		t.Fatalf("its own policy: %s", own)
	}
	for _, sid := range []string{sidTLS, sidCanned, sidObjects} {
		open := policyStatement{Sid: sid, Effect: "Allow", Principal: "*", Action: []string{"s3:GetObject"}, Resource: []string{objectsARN(bucket)}}
		changed := policyStatement{Sid: sid, Effect: "Allow", Principal: map[string][]string{"AWS": {"arn:aws:iam:::user/p7:STRANGER"}}, Action: []string{"s3:GetObject"}, Resource: []string{objectsARN(bucket)}}
		for name, statement := range map[string]policyStatement{"open": open, "changed": changed} {
			raw, err := json.Marshal(statement)
			if err != nil {
				t.Fatal(err)
			}
			for where, list := range map[string][]json.RawMessage{"before": append([]json.RawMessage{raw}, statements...), "behind": append(statements[:len(statements):len(statements)], raw)} {
				text, err := json.Marshal(policyDocument{Version: policyVersion, Statement: list})
				if err != nil {
					t.Fatal(err)
				}
				facts := judgePolicy(bucket, string(text))
				if name == "open" && facts.private || facts.private && facts.tls {
					t.Errorf("%s, %s %s: %+v", sid, name, where, facts)
				}
				if repaired, err := repairedPolicy(bucket, string(text)); err != nil || repaired != own {
					t.Errorf("%s, %s %s: repaired to %s, %v", sid, name, where, repaired, err)
				}
			}
		}
	}
}
