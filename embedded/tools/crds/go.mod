// Modules that carry CRDs: embedded/crds.ts downloads them and compiles nothing, so `go mod tidy` would drop them.
module datalab-stacks/tools/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	sigs.k8s.io/gateway-api v1.6.3
)
