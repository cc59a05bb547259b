// Turns the error output away and back. While TensorFlow's library is loaded it writes two lines there, before it reads
// TF_CPP_MIN_LOG_LEVEL; Node.js has no dup2, and a file opened anew would not share its place with the output that it stands in for.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static int saved = -1;

static napi_value Mute(napi_env, napi_callback_info) {
  int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (saved < 0 && nothing >= 0 && (saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0) dup2(nothing, STDERR_FILENO);
  if (nothing >= 0) close(nothing);
  return nullptr;
}

static napi_value Unmute(napi_env, napi_callback_info) {
  if (saved < 0) return nullptr;
  dup2(saved, STDERR_FILENO);
  close(saved);
  saved = -1;
  return nullptr;
}

static napi_value Init(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"mute", nullptr, Mute, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"unmute", nullptr, Unmute, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, 2, functions);
  return exports;
}

NAPI_MODULE(quiet, Init)
