package io.commslib.grpc;

import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import java.util.regex.Pattern;

/**
 * Finds a malformed {@code grpc-timeout} before gRPC parses it: gRPC would reset the stream, and
 * its caller would not learn why. A tracer is the only code that runs earlier.
 */
final class TimeoutHeader extends ServerStreamTracer.Factory {

  private static final Metadata.Key<String> TIMEOUT =
      Metadata.Key.of("grpc-timeout", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> MALFORMED =
      Metadata.Key.of("commslib-malformed-timeout", Metadata.ASCII_STRING_MARSHALLER);
  private static final Pattern RULE = Pattern.compile("[0-9]{1,8}[HMSmun]");

  private static final ServerStreamTracer NONE = new ServerStreamTracer() {};

  @Override
  public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
    // No caller may claim it.
    headers.discardAll(MALFORMED);
    String timeout = headers.get(TIMEOUT);
    if (timeout != null && !RULE.matcher(timeout).matches()) {
      headers.discardAll(TIMEOUT);
      headers.put(MALFORMED, "true");
    }
    return NONE;
  }

  static boolean isMalformed(Metadata headers) {
    return headers.containsKey(MALFORMED);
  }
}
