package io.commslib.grpc;

/**
 * Rejects versions of grpc-java that lack a required method. Calls would fail one by one, or not
 * end, where gRPC runs the code that misses it.
 */
final class GrpcVersion {

  private GrpcVersion() {}

  /**
   * Checks the newest of the methods in use.
   *
   * @param streamInfo of the grpc-java on the class path
   */
  static void check(Class<?> streamInfo) {
    try {
      streamInfo.getMethod("isHedging");
    } catch (NoSuchMethodException e) {
      throw new GrpcCallsException(
          "COMMS-GRPC-005", "grpc-java: older than 1.77 (expected: 1.77.0 or newer)", e);
    }
  }
}
