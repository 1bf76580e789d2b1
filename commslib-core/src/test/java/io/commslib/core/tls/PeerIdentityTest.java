package io.commslib.core.tls;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The names of a peer in its certificate. */
class PeerIdentityTest {

  private static final KeyPair HOLDER = TestAuthority.ec();

  private static PeerIdentity of(String... names) throws Exception {
    String pem =
        TlsFixture.AUTHORITY.certificate(
            HOLDER, TlsFixture.START, TlsFixture.START.plusSeconds(9), names);
    return PeerIdentity.of(
        (X509Certificate)
            CertificateFactory.getInstance("X.509")
                .generateCertificate(
                    new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII))));
  }

  @Test
  void namesAreThoseOfTheAlternativeName() throws Exception {
    PeerIdentity peer = of("dns:a.example", "uri:spiffe://shop.example/ns/orders", "dns:b.example");
    assertThat(peer.dnsNames()).isEqualTo(List.of("a.example", "b.example"));
    assertThat(peer.uris()).containsExactly("spiffe://shop.example/ns/orders");
    assertThat(peer.spiffeId()).contains("spiffe://shop.example/ns/orders");
    assertThat(peer.subject()).isEqualTo("CN=holder");
    assertThat(peer)
        .hasToString(
            "PeerIdentity{CN=holder, dns=[a.example, b.example],"
                + " uris=[spiffe://shop.example/ns/orders]}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe://shop.example",
        "spiffe://shop.example/",
        "spiffe://shop.example//a",
        "spiffe://shop.example/a/",
        "spiffe://shop.example/a/../b",
        "spiffe://shop.example/.",
        "spiffe://Shop.example/a",
        "spiffe://shop.example:1/a",
        "spiffe://u@shop.example/a",
        "spiffe://shop.example/a?b",
        "spiffe://shop.example/a%20b",
        "https://shop.example/a"
      })
  void whatIsNoSpiffeIdIsNone(String uri) throws Exception {
    assertThat(of("uri:" + uri).spiffeId()).isEmpty();
    assertThat(of("uri:" + uri).uris()).containsExactly(uri);
  }

  @Test
  void twoUrisAreNoSpiffeId() throws Exception {
    assertThat(of("uri:spiffe://a.example/b", "uri:spiffe://a.example/c").spiffeId()).isEmpty();
  }

  @Test
  void aPeerWithoutCertificateHasNoIdentity() throws Exception {
    assertThat(PeerIdentity.of(SSLContext.getDefault().createSSLEngine().getSession())).isEmpty();
  }
}
