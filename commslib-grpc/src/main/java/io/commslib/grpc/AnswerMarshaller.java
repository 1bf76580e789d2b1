package io.commslib.grpc;

import io.grpc.MethodDescriptor;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes answers before gRPC asks for them, so that one that can't be written reaches the server's
 * own code: gRPC would reset the stream, and the caller would not learn why. Thread-safe.
 *
 * @param <T> type of the answers
 */
final class AnswerMarshaller<T> implements MethodDescriptor.Marshaller<T> {

  /** What this thread has written and is about to give to gRPC. */
  private static final ThreadLocal<@Nullable Written> WRITTEN = new ThreadLocal<>();

  private final MethodDescriptor.Marshaller<T> own;

  private record Written(Object answer, InputStream bytes) {
    /** Shows no content of the answer. */
    @Override
    public String toString() {
      return "Written{}";
    }
  }

  AnswerMarshaller(MethodDescriptor.Marshaller<T> own) {
    this.own = own;
  }

  /** Writes an answer that this thread sends next; throws what its marshaller throws. */
  @SuppressWarnings("unchecked") // the descriptor is that of the answer
  static <T> void write(MethodDescriptor<?, T> method, T answer) {
    if (method.getResponseMarshaller() instanceof AnswerMarshaller<?> marshaller) {
      InputStream bytes = ((AnswerMarshaller<T>) marshaller).own.stream(answer);
      WRITTEN.set(new Written(answer, bytes));
    }
  }

  @Override
  public InputStream stream(T value) {
    Written written = WRITTEN.get();
    if (written == null) {
      return own.stream(value);
    }
    WRITTEN.set(null);
    // An interceptor around the server may have replaced the answer.
    return written.answer == value ? written.bytes : own.stream(value);
  }

  @Override
  public T parse(InputStream stream) {
    return own.parse(stream);
  }
}
