// Command cert-manager is cert-manager's controller with the issuers that a test needs: SelfSigned
// and CA. It is cert-manager's own code; their command is no module that the registry has.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

const workers = 2

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: cert-manager KUBECONFIG")
	}
	background := context.Background()
	factory, err := controller.NewContextFactory(background, controller.ContextOptions{
		Kubeconfig: os.Args[1],
		CertificateOptions: controller.CertificateOptions{
			CertificateRequestMinimumBackoffDuration: time.Second,
			CertificateRequestMaximumBackoffDuration: time.Minute,
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	shared, err := factory.Build()
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan string)
	var made []func()
	for name, build := range controller.Known() {
		one, err := build(factory)
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		made = append(made, func() { log.Print(one.Run(workers, background)); ended <- name })
	}
	shared.SharedInformerFactory.Start(background.Done())
	shared.KubeSharedInformerFactory.Start(background.Done())
	for _, run := range made {
		go run()
	}
	log.Printf("%d controllers run", len(made))
	log.Fatalf("%s ended", <-ended)
}
