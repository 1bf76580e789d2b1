package io.commslib.kafka;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides which records stay in the array that they were received in, and which are copied.
 *
 * <p>A record of a compressed batch has an array of its own. The records of uncompressed batches
 * share the array of their fetch, which may have 50 MiB. A record that stays there costs no copy,
 * but it keeps the whole array in memory while it waits, while its handler runs, and while the
 * application keeps its message. This class therefore knows the arrays in which records have
 * stayed, as long as the garbage collector has not freed them. It admits another one only if all of
 * them stay within a bound. The records of any other array are copied.
 *
 * <p>One for each transport; thread-safe.
 */
final class FetchMemory {

  /** The part of the heap that the shared arrays of a transport may take: one of so many. */
  private static final int HEAP_PARTS = 8;

  /** Bytes that an array may contain besides a small body: key, headers, lengths. */
  private static final int OVERHEAD_BYTES = 1_024;

  /** Records of smaller arrays are copied, so that the number of known arrays is bounded. */
  static final int MIN_SHARED_BYTES = 16 * 1_024;

  /** Successive polls return the records of one array, a few fetches at a time. */
  private static final int RECENT = 32;

  private final long maxBytes;
  private final ReferenceQueue<byte[]> freed = new ReferenceQueue<>();
  private final Set<SharedArray> shared = new HashSet<>();
  private final @Nullable SharedArray[] recent = new SharedArray[RECENT];
  private int nextRecent;
  private long bytes;

  /** An array in which records have stayed. */
  private static final class SharedArray extends WeakReference<byte[]> {
    private final int length;

    SharedArray(byte[] array, ReferenceQueue<byte[]> freed) {
      super(array, freed);
      this.length = array.length;
    }
  }

  /** Creates it for a transport of this JVM. */
  FetchMemory() {
    this(Runtime.getRuntime().maxMemory() / HEAP_PARTS);
  }

  /**
   * Creates it with a bound.
   *
   * @param maxBytes the maximum total length of the shared arrays
   */
  FetchMemory(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Whether a body has its array for itself, apart from the other parts of its record. */
  static boolean isAlone(ByteBuffer body) {
    int length = body.remaining();
    return body.hasArray() && body.array().length - length <= Math.max(OVERHEAD_BYTES, length);
  }

  /**
   * Returns whether the records of a shared array may stay in it. The answer is for the records of
   * one poll; the next poll may bring another answer for the same array.
   */
  synchronized boolean admits(byte[] array) {
    if (array.length < MIN_SHARED_BYTES || array.length > maxBytes) {
      return false;
    }
    for (SharedArray known : recent) {
      if (known != null && known.refersTo(array)) {
        return true;
      }
    }
    forgetFreed();
    if (bytes + array.length > maxBytes) {
      return false;
    }
    SharedArray added = new SharedArray(array, freed);
    shared.add(added);
    recent[nextRecent] = added;
    nextRecent = (nextRecent + 1) % RECENT;
    bytes += array.length;
    return true;
  }

  private void forgetFreed() {
    for (Reference<? extends byte[]> next = freed.poll(); next != null; next = freed.poll()) {
      if (next instanceof SharedArray array && shared.remove(array)) {
        bytes -= array.length;
      }
    }
  }

  /** The total length of the shared arrays that were in memory at the last decision. */
  synchronized long bytes() {
    return bytes;
  }
}
