package io.commslib.core.tls;

import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * Who the other side of a connection is, by its certificate, which the handshake has checked. Names
 * are those of the subject alternative name; the common name is not used. Immutable.
 */
public final class PeerIdentity {

  private static final int DNS_NAME = 2;
  private static final int URI_NAME = 6;

  /** The form of the SPIFFE standard; a path has no empty segment. */
  private static final Pattern SPIFFE_ID =
      Pattern.compile("spiffe://[a-z0-9._-]{1,255}(?:/[A-Za-z0-9._-]+)+");

  private static final Pattern RELATIVE = Pattern.compile(".*/\\.{1,2}(?:/.*)?");
  private static final int MAX_SPIFFE_CHARS = 2_048;

  private final String subject;
  private final List<String> dnsNames;
  private final List<String> uris;

  private PeerIdentity(String subject, List<String> dnsNames, List<String> uris) {
    this.subject = subject;
    this.dnsNames = List.copyOf(dnsNames);
    this.uris = List.copyOf(uris);
  }

  /**
   * Returns the identity of the peer of a session.
   *
   * @param session a session after its handshake
   * @return the identity; empty if the peer has no certificate, as a client that is not asked for
   *     one
   */
  public static Optional<PeerIdentity> of(SSLSession session) {
    try {
      Certificate[] chain = session.getPeerCertificates();
      return chain.length > 0 && chain[0] instanceof X509Certificate own
          ? Optional.of(of(own))
          : Optional.empty();
    } catch (SSLPeerUnverifiedException e) {
      return Optional.empty();
    }
  }

  /**
   * Returns the identity in a certificate, which the caller must have checked.
   *
   * @param certificate the certificate of the peer
   * @return the identity, without names if the certificate has none or malformed ones
   */
  public static PeerIdentity of(X509Certificate certificate) {
    List<String> dnsNames = new ArrayList<>();
    List<String> uris = new ArrayList<>();
    for (List<?> name : names(certificate)) {
      int type = name.get(0) instanceof Integer number ? number : -1;
      if (type == DNS_NAME) {
        dnsNames.add(String.valueOf(name.get(1)));
      } else if (type == URI_NAME) {
        uris.add(String.valueOf(name.get(1)));
      }
    }
    return new PeerIdentity(certificate.getSubjectX500Principal().getName(), dnsNames, uris);
  }

  private static Collection<List<?>> names(X509Certificate certificate) {
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      return names == null ? List.of() : names;
    } catch (CertificateParsingException e) {
      return List.of();
    }
  }

  /** {@return the subject as RFC 2253 writes it, for logs; not for decisions} */
  public String subject() {
    return subject;
  }

  /** {@return the DNS names, in the order of the certificate; unmodifiable} */
  public List<String> dnsNames() {
    return dnsNames;
  }

  /** {@return the URIs, in the order of the certificate; unmodifiable} */
  public List<String> uris() {
    return uris;
  }

  /**
   * Returns the SPIFFE id of a workload, for example {@code spiffe://shop.example/orders}.
   *
   * @return the id; empty unless the certificate has exactly one URI and it is a SPIFFE id with a
   *     path
   */
  public Optional<String> spiffeId() {
    return uris.stream()
        .filter(uri -> uris.size() == 1)
        .filter(uri -> uri.length() <= MAX_SPIFFE_CHARS)
        .filter(uri -> SPIFFE_ID.matcher(uri).matches() && !RELATIVE.matcher(uri).matches())
        .findFirst();
  }

  /** {@return subject and names} */
  @Override
  public String toString() {
    return "PeerIdentity{" + subject + ", dns=" + dnsNames + ", uris=" + uris + "}";
  }
}
