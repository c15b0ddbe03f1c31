{{/* Names and labels that several templates share. */}}

{{- define "stator.name" -}}
{{- if contains "stator" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-stator" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of objects that belong to no namespace: two releases must not share one. */}}
{{- define "stator.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "stator.name" .) -}}
{{- end -}}

{{- define "stator.operatorName" -}}
{{- printf "%s-operator" (include "stator.name" .) -}}
{{- end -}}

{{- define "stator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "stator.operatorName" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "stator.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{/* What pods of the operator are found by, also by the policies that it makes. */}}
{{- define "stator.operatorSelector" -}}
app.kubernetes.io/name: stator
app.kubernetes.io/component: operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "stator.labels" -}}
app.kubernetes.io/name: stator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{/* What a container of ours may do: compute, and write into /tmp. */}}
{{- define "stator.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "stator.podSecurity" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}
