// The same as server.c in C++17. Usage: server MODEL.so SYMBOL THREADS REQUESTS DIM
#include <zenith.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using Bytes = std::vector<std::max_align_t>;	// aligned as a workspace must be

static Bytes memory(size_t n) { return Bytes(n / sizeof(std::max_align_t) + 1); }

// bytes of a number that C has, by ONNX's numbers for types
static size_t width(const zenith_value &v)
{
	static const unsigned char bytes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 0, 8, 4, 8};
	const size_t n = v.dtype > 0 && size_t(v.dtype) < sizeof bytes ? bytes[v.dtype] : 0;
	if (v.kind != ZENITH_KIND_TENSOR || !n)
		throw std::runtime_error(std::string(v.name) + ": only tensors of numbers are made here");
	return n;
}

static size_t elements(const zenith_tensor &t)
{
	size_t n = 1;
	for (int i = 0; i < t.rank; i++)
		n *= size_t(t.dims[i]);
	return n;
}

struct Tensors {
	std::vector<zenith_tensor> t;
	std::vector<Bytes> data;
	explicit Tensors(int n) : t(size_t(n)), data(size_t(n)) {}
	void room(size_t i, size_t n, size_t size)
	{
		data[i] = memory(n * size);
		t[i].data = data[i].data();
		t[i].capacity = n;
	}
};

class Model {
public:
	Model(const char *path, const char *symbol)
	{
		const std::string file = std::filesystem::absolute(path).string();	// else it is sought where libraries are
		void *lib = dlopen(file.c_str(), RTLD_NOW), *f = lib ? dlsym(lib, symbol) : nullptr;
		if (!f)
			throw std::runtime_error(dlerror());
		z = reinterpret_cast<const zenith_model *(*)()>(f)();
		if (z->abi != ZENITH_ABI)
			throw std::runtime_error("made for another zenith.h");
	}
	const zenith_model *z;
};

static Tensors inputs(const zenith_model *z, int64_t open)
{
	Tensors in(z->ninputs);
	for (size_t i = 0; i < in.t.size(); i++) {
		const zenith_value &v = z->inputs[i];
		zenith_tensor &t = in.t[i];
		const size_t size = width(v);
		t.dtype = v.dtype;
		t.rank = v.rank;
		for (int j = 0; j < v.rank; j++)
			t.dims[j] = v.dims[j] < 0 ? open : v.dims[j];
		in.room(i, elements(t), size);
		for (size_t k = 0; k < elements(t); k++)
			if (v.dtype == 1)
				static_cast<float *>(t.data)[k] = float(k % 17) / 16;
			else if (v.dtype == 11)
				static_cast<double *>(t.data)[k] = double(k % 17) / 16;
			else
				static_cast<unsigned char *>(t.data)[k * size] = (unsigned char)(k % 2);
	}
	return in;
}

template<class T> static double sum_of(const zenith_tensor &t)
{
	double s = 0;
	for (size_t k = 0; k < elements(t); k++)
		s += double(static_cast<const T *>(t.data)[k]);
	return s;
}

static double sum(const Tensors &out)
{
	double s = 0;
	for (const zenith_tensor &t : out.t)
		switch (t.dtype) {
		case 1: s += sum_of<float>(t); break;
		case 3: s += sum_of<int8_t>(t); break;
		case 4: s += sum_of<uint16_t>(t); break;
		case 5: s += sum_of<int16_t>(t); break;
		case 6: s += sum_of<int32_t>(t); break;
		case 7: s += sum_of<int64_t>(t); break;
		case 11: s += sum_of<double>(t); break;
		case 12: s += sum_of<uint32_t>(t); break;
		case 13: s += sum_of<uint64_t>(t); break;
		default: s += sum_of<uint8_t>(t);
		}
	return s;
}

// a context with memory of its own; the weights are the library's
class Context {
public:
	Context(const zenith_model *m, const Tensors &in) : z(m), out(m->noutputs)
	{
		zenith_setup s{};
		s.workspace_bytes = z->workspace_bytes;
		if (z->workspace)
			check(z->workspace(in.t.data(), &s.workspace_bytes));
		s.workspace_bytes += z->heap_bytes;
		work = memory(s.workspace_bytes);
		state = memory(z->state_bytes);
		s.workspace = work.data();
		s.state = state.data();
		s.state_bytes = z->state_bytes;
		check(z->init(&ctx, &s));
		room();
	}
	~Context() { z->done(&ctx); }
	Context(const Context &) = delete;
	void run(const Tensors &in)
	{
		int status = z->run(&ctx, in.t.data(), out.t.data());
		for (int i = 0; i < 4 && status == ZENITH_CAPACITY; i++) {
			room();
			status = z->run(&ctx, in.t.data(), out.t.data());
		}
		check(status);
	}
	const zenith_model *z;
	Tensors out;
private:
	zenith_ctx ctx{};
	Bytes work, state;
	static void check(int status)
	{
		if (status)
			throw std::runtime_error("status " + std::to_string(status));
	}
	void room()
	{
		for (size_t i = 0; i < out.t.size(); i++) {
			const zenith_value &v = z->outputs[i];
			size_t n = 1;
			for (int j = 0; j < v.rank; j++)
				n *= size_t(v.dims[j] >= 0 ? v.dims[j] : out.t[i].dims[j]);
			out.t[i].dtype = v.dtype;
			out.room(i, n, width(v));
		}
	}
};

int main(int argc, char **argv)
try {
	if (argc != 6)
		throw std::runtime_error("usage: server MODEL.so SYMBOL THREADS REQUESTS DIM");
	using clock = std::chrono::steady_clock;
	const long t = std::stol(argv[3]), n = std::stol(argv[4]), open = std::stol(argv[5]);
	if (t < 1 || n < t || open < 1)
		throw std::runtime_error("THREADS and DIM are at least 1, REQUESTS at least THREADS");
	Model m(argv[1], argv[2]);
	const size_t threads = size_t(t), requests = size_t(n);
	const Tensors in = inputs(m.z, open);
	std::vector<double> us(requests), sums(threads), bad(threads);
	std::vector<std::thread> pool;
	for (size_t i = 0; i < threads; i++)
		pool.emplace_back([&, i] {
			try {
				Context c(m.z, in);
				c.run(in);
				sums[i] = sum(c.out);
				for (size_t k = requests * i / threads; k < requests * (i + 1) / threads; k++) {
					const auto began = clock::now();
					c.run(in);
					us[k] = std::chrono::duration<double, std::micro>(clock::now() - began).count();
				}
			} catch (const std::exception &e) {
				std::fprintf(stderr, "server: %s\n", e.what());
				bad[i] = 1;
			}
		});
	for (std::thread &one : pool)
		one.join();
	for (size_t i = 0; i < threads; i++)
		if (bad[i] > 0 || std::memcmp(&sums[i], &sums[0], sizeof sums[0]))
			return 1;
	std::sort(us.begin(), us.end());
	std::printf("%s: %zu requests on %zu threads, %zu bytes of weights, sum %.6g\n", m.z->name, requests, threads,
		m.z->weight_bytes, sums[0]);
	std::printf("microseconds: median %.1f, 90%% %.1f, 99%% %.1f, most %.1f\n", us[requests / 2],
		us[requests * 9 / 10], us[requests * 99 / 100], us[requests - 1]);
	return 0;
} catch (const std::logic_error &) {	// std::stol
	std::fprintf(stderr, "server: THREADS, REQUESTS and DIM are numbers\n");
	return 1;
} catch (const std::exception &e) {
	std::fprintf(stderr, "server: %s\n", e.what());
	return 1;
}
