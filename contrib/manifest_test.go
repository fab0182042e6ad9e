// SPDX-License-Identifier: Apache-2.0

package contrib_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// metadata is the metadata of a Kubernetes object.
type metadata struct {
	Name, Namespace string
	Labels          map[string]string
}

// pod has the members of a pod that tracer needs; any other member is an error.
type pod struct {
	APIVersion, Kind string
	Metadata         metadata
	Spec             struct {
		NodeName                      string
		Tolerations                   []map[string]string
		HostNetwork, HostPID          bool
		RestartPolicy                 string
		TerminationGracePeriodSeconds int
		AutomountServiceAccountToken  *bool
		EnableServiceLinks            *bool
		Containers                    []container
		Volumes                       []volume
	}
}

type container struct {
	Name, Image, ImagePullPolicy string
	Args                         []string
	SecurityContext              struct{ Privileged bool }
	VolumeMounts                 []struct{ Name, MountPath, MountPropagation string }
}

type volume struct {
	Name     string
	HostPath struct{ Path, Type string }
}

// has reports whether the pod has the label of a selector NAME=VALUE.
func (p pod) has(selector string) bool {
	name, value, ok := strings.Cut(selector, "=")
	return ok && p.Metadata.Labels[name] == value
}

// manifest has the objects that the script created with kubectl.
type manifest struct {
	Namespaces []metadata
	Pods       []pod
}

func readManifest(dir string) (m manifest, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "manifest"))
	if err != nil {
		return m, err
	}
	var list struct {
		APIVersion, Kind string
		Items            []json.RawMessage
	}
	if err := decodeStrictly(text, &list); err != nil || list.Kind != "List" || list.APIVersion != "v1" {
		return m, fmt.Errorf("not a list: %s: %w", text, err)
	}
	for _, item := range list.Items {
		if err := m.add(item); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (m *manifest) add(item json.RawMessage) error {
	var kind struct{ Kind string }
	if err := json.Unmarshal(item, &kind); err != nil {
		return err
	}
	if kind.Kind == "Namespace" {
		var n struct {
			APIVersion, Kind string
			Metadata         metadata
		}
		err := decodeStrictly(item, &n)
		m.Namespaces = append(m.Namespaces, n.Metadata)
		return err
	}
	var p pod
	err := decodeStrictly(item, &p)
	m.Pods = append(m.Pods, p)
	return err
}

func decodeStrictly(text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// podsOf returns the pods that were created in a namespace.
func podsOf(dir, namespace string) ([]pod, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	var pods []pod
	for _, p := range m.Pods {
		if p.Metadata.Namespace == namespace {
			pods = append(pods, p)
		}
	}
	return pods, nil
}

func named(pods []pod, name string) pod {
	for _, p := range pods {
		if p.Metadata.Name == name {
			return p
		}
	}
	panic("no pod " + name)
}

// expand expands an argument like Kubernetes before it runs a container: $(NAME) is replaced if
// NAME is a variable, and $$ becomes $.
func expand(argument string, variables map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(argument); i++ {
		rest := argument[i:]
		if name, _, closed := strings.Cut(strings.TrimPrefix(rest, "$("), ")"); strings.HasPrefix(rest, "$(") && closed {
			value, known := variables[name]
			if !known {
				value = "$(" + name + ")"
			}
			b.WriteString(value)
			i += len("$()") + len(name) - 1
			continue
		}
		if strings.HasPrefix(rest, "$$") {
			i++
		}
		b.WriteByte(argument[i])
	}
	return b.String()
}
