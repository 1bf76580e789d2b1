package io.commslib.core.tls;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Reads the private key of a certificate. No error has a part of the key, nor a cause. */
final class PemKey {

  private static final String PLAIN = "PRIVATE KEY";
  private static final String RULE =
      "one block PRIVATE KEY: PKCS#8 without a password, as by 'openssl pkcs8 -topk8 -nocrypt'";

  /** The algorithms of keys, each with a signature that proves a pair. */
  private static final Map<String, String> SIGNATURES =
      new TreeMap<>(Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA"));

  private PemKey() {}

  /**
   * Reads a key.
   *
   * @throws TlsException if it has a password or another form, or is not that of the public key
   */
  static PrivateKey of(byte[] content, PublicKey certified) {
    List<Pem.Block> blocks = Pem.blocks("key", content);
    List<Pem.Block> keys =
        blocks.stream().filter(block -> block.type().endsWith("PRIVATE KEY")).toList();
    if (keys.size() != 1 || !keys.get(0).type().equals(PLAIN)) {
      throw TlsException.malformed("key", Pem.types(keys.isEmpty() ? blocks : keys), RULE);
    }
    PrivateKey key = parse(keys.get(0).decoded());
    if (!isPair(key, certified)) {
      throw TlsException.unfit(
          "key",
          key.getAlgorithm() + ", not that of the certificate",
          "the key of the first certificate of chain");
    }
    return key;
  }

  private static PrivateKey parse(byte[] encoded) {
    PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(encoded);
    Arrays.fill(encoded, (byte) 0);
    for (String algorithm : SIGNATURES.keySet()) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(spec);
      } catch (InvalidKeySpecException e) {
        // Of another algorithm, or malformed.
        continue;
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(algorithm + " (expected: in every JVM)", e);
      }
    }
    throw TlsException.malformed("key", "not RSA or EC", "an RSA or EC key in PKCS#8");
  }

  private static boolean isPair(PrivateKey key, PublicKey certified) {
    try {
      byte[] text = "pair".getBytes(StandardCharsets.US_ASCII);
      Signature signature = Signature.getInstance(SIGNATURES.get(key.getAlgorithm()));
      signature.initSign(key);
      signature.update(text);
      byte[] signed = signature.sign();
      signature.initVerify(certified);
      signature.update(text);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
