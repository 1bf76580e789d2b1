package io.commslib.core.hash;

/**
 * The hash function FNV-1a. Its values are stored in tables, so they never change. Fast for short
 * inputs, and not resistant to chosen ones.
 */
public final class Fnv1a {

  private static final int OFFSET_32 = 0x811c9dc5;
  private static final int PRIME_32 = 0x01000193;
  private static final long OFFSET_64 = 0xcbf29ce484222325L;
  private static final long PRIME_64 = 0x100000001b3L;
  private static final char UNIT_SEPARATOR = 0x1f;

  private Fnv1a() {}

  /**
   * Returns the 32-bit hash of bytes.
   *
   * @param bytes the input
   * @return the hash
   */
  public static int hash32(byte[] bytes) {
    int hash = OFFSET_32;
    for (byte b : bytes) {
      hash = (hash ^ (b & 0xff)) * PRIME_32;
    }
    return hash;
  }

  /**
   * Returns the 64-bit hash of bytes.
   *
   * @param bytes the input
   * @return the hash
   */
  public static long hash64(byte[] bytes) {
    long hash = OFFSET_64;
    for (byte b : bytes) {
      hash = (hash ^ (b & 0xff)) * PRIME_64;
    }
    return hash;
  }

  /**
   * Returns the 64-bit hash of texts. Its input is their UTF-16 code units, each as one number, and
   * a unit separator (0x1F) after each text. For ASCII it equals {@link #hash64} of the same bytes.
   *
   * @param parts the texts, in order
   * @return the hash
   */
  public static long hash64OfTexts(String... parts) {
    long hash = OFFSET_64;
    for (String part : parts) {
      for (int i = 0; i < part.length(); i++) {
        hash = (hash ^ part.charAt(i)) * PRIME_64;
      }
      hash = (hash ^ UNIT_SEPARATOR) * PRIME_64;
    }
    return hash;
  }
}
