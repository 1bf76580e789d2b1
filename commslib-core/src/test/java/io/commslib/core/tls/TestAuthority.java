package io.commslib.core.tls;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** An authority that issues certificates in memory, in the encoding of RFC 5280. */
final class TestAuthority {

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final byte[] ECDSA = hex("06082A8648CE3D040302");
  private static final byte[] COMMON_NAME = hex("0603550403");
  private static final KeyPair RSA = keys("RSA", 2048);
  private static final AtomicLong SERIAL = new AtomicLong(1);
  private static final int DNS = 0x82;
  private static final int URI = 0x86;

  private final String name;
  private final KeyPair keys;
  private final String pem;

  private TestAuthority(String name, KeyPair keys, String pem) {
    this.name = name;
    this.keys = keys;
    this.pem = pem;
  }

  static TestAuthority create(String name) {
    KeyPair keys = ec();
    TestAuthority self = new TestAuthority(name, keys, "");
    return new TestAuthority(name, keys, self.issue(name, keys, always(), true, List.of()));
  }

  /** An authority whose certificate this one has issued. */
  TestAuthority intermediate(String subject) {
    KeyPair own = ec();
    return new TestAuthority(subject, own, issue(subject, own, always(), true, List.of()));
  }

  private static Instant[] always() {
    return new Instant[] {
      Instant.parse("2020-01-01T00:00:00Z"), Instant.parse("2090-01-01T00:00:00Z")
    };
  }

  static KeyPair ec() {
    return keys("EC", 256);
  }

  /** Always the same one, since to make one takes long. */
  static KeyPair rsa() {
    return RSA;
  }

  private static KeyPair keys(String algorithm, int size) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      generator.initialize(size);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** The authority's own certificate. */
  String pem() {
    return pem;
  }

  /** A certificate for names that begin with {@code dns:} or {@code uri:}. */
  String certificate(KeyPair holder, Instant begin, Instant end, String... names) {
    return issue("holder", holder, new Instant[] {begin, end}, false, List.of(names));
  }

  static String pem(KeyPair holder) {
    return pem("PRIVATE KEY", holder.getPrivate().getEncoded());
  }

  static String pem(String type, byte[] content) {
    return "-----BEGIN "
        + type
        + "-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content)
        + "\n-----END "
        + type
        + "-----\n";
  }

  private String issue(
      String subject, KeyPair holder, Instant[] validity, boolean isAuthority, List<String> names) {
    byte[] algorithm = tagged(0x30, ECDSA);
    byte[] tbs =
        tagged(
            0x30,
            tagged(0xA0, hex("020102")),
            tagged(0x02, BigInteger.valueOf(SERIAL.incrementAndGet()).toByteArray()),
            algorithm,
            named(name),
            tagged(0x30, time(validity[0]), time(validity[1])),
            named(subject),
            holder.getPublic().getEncoded(),
            tagged(0xA3, tagged(0x30, isAuthority ? constraints() : alternatives(names))));
    try {
      Signature signature = Signature.getInstance("SHA256withECDSA");
      signature.initSign(keys.getPrivate());
      signature.update(tbs);
      byte[] signed = tagged(0x03, new byte[] {0}, signature.sign());
      return pem("CERTIFICATE", tagged(0x30, tbs, algorithm, signed));
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] constraints() {
    return tagged(0x30, hex("0603551D13"), hex("0101FF"), tagged(0x04, hex("30030101FF")));
  }

  private static byte[] alternatives(List<String> names) {
    byte[][] encoded =
        names.stream()
            .map(
                name ->
                    tagged(
                        name.startsWith("dns:") ? DNS : URI,
                        name.substring(4).getBytes(StandardCharsets.US_ASCII)))
            .toArray(byte[][]::new);
    return tagged(0x30, hex("0603551D11"), tagged(0x04, tagged(0x30, encoded)));
  }

  private static byte[] named(String common) {
    byte[] text = tagged(0x0C, common.getBytes(StandardCharsets.UTF_8));
    return tagged(0x30, tagged(0x31, tagged(0x30, COMMON_NAME, text)));
  }

  private static byte[] time(Instant time) {
    return tagged(0x18, TIME.format(time).getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] tagged(int tag, byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    int length = content.size();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (length >= 256) {
      out.write(0x82);
      out.write(length >> 8);
    } else if (length >= 128) {
      out.write(0x81);
    }
    out.write(length);
    out.writeBytes(content.toByteArray());
    return out.toByteArray();
  }

  private static byte[] hex(String text) {
    return java.util.HexFormat.of().parseHex(text);
  }
}
